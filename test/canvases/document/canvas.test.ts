import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canvasFaults, parseCanvas } from '../../../src/canvases/document/canvas.js';
import { canvasSchema } from '../../../src/canvases/document/canvas-schema.js';

const place = { id: 'a', x: 0, y: -1.5, width: 10, height: 20 };
const text = { ...place, type: 'text', text: '你好' };
const edge = { id: 'e', fromNode: 'a', toNode: 'a' };
const messagesOf = (value: unknown) => canvasFaults(value).map((fault) => `${fault.pointer}: ${fault.message}`);

describe('what a client may store', () => {
  it.each([
    ['an empty document', {}],
    ['no nodes', { nodes: [], edges: [] }],
    [
      'every type of node',
      {
        nodes: [
          text,
          { ...place, id: 'b', type: 'file', file: 'x.md', subpath: '#h' },
          { ...place, id: 'c', type: 'link', url: 'https://example.org' },
          { ...place, id: 'd', type: 'group', label: 'G', background: 'b.png', backgroundStyle: 'cover' },
        ],
        edges: [{ ...edge, fromSide: 'top', toSide: 'left', fromEnd: 'none', toEnd: 'arrow', color: '1', label: 'l' }],
      },
    ],
    [
      'what real files carry',
      {
        nodes: [
          { ...text, color: '', styleAttributes: {} },
          { ...text, id: 'b', color: '0' },
          { ...text, id: 'c', color: '#abc' },
        ],
        metadata: { version: '1.0' },
      },
    ],
    ['an edge with the id of a node', { nodes: [text], edges: [{ ...edge, id: 'a' }] }],
  ])('%s', (_name, value) => {
    expect(canvasFaults(value)).toEqual([]);
    expect(parseCanvas(Buffer.from(JSON.stringify(value)))).toEqual(value);
  });

  it.each([
    [[], [': expected an object, got an array']],
    [null, [': expected an object, got null']],
    [{ nodes: {} }, ['/nodes: expected an array, got an object']],
    [{ edges: 'x' }, ['/edges: expected an array, got a string']],
    [{ nodes: [1] }, ['/nodes/0: expected an object, got a number']],
    [{ edges: [null] }, ['/edges/0: expected an object, got null']],
    [{ nodes: [{ ...text, id: '' }] }, ['/nodes/0/id: expected a string that is not empty, got an empty string']],
    [{ nodes: [{ ...text, x: '1' }] }, ['/nodes/0/x: expected a finite number, got a string']],
    [{ nodes: [{ ...text, text: undefined }] }, ['/nodes/0/text: expected a string, got nothing']],
    [
      { nodes: [{ ...text, type: 'video' }] },
      ['/nodes/0/type: expected one of text, file, link, group, got another word'],
    ],
    [
      { nodes: [{ ...text, color: 'red' }] },
      ['/nodes/0/color: expected a preset ("1" to "6") or a colour such as "#FF0000", got another string'],
    ],
    [
      { nodes: [{ ...place, type: 'group', backgroundStyle: 'tile' }] },
      ['/nodes/0/backgroundStyle: expected one of cover, ratio, repeat, got another word'],
    ],
    [{ nodes: [text, text] }, ['/nodes/1/id: expected an id that no other has']],
    [
      { nodes: [text], edges: [{ ...edge, toNode: 'z' }] },
      ['/edges/0/toNode: expected the id of a node of this canvas'],
    ],
    [
      { edges: [edge] },
      [
        '/edges/0/fromNode: expected the id of a node of this canvas',
        '/edges/0/toNode: expected the id of a node of this canvas',
      ],
    ],
    [
      { nodes: [text], edges: [{ ...edge, fromSide: 'middle', toEnd: 3 }] },
      [
        '/edges/0/fromSide: expected one of top, right, bottom, left, got another word',
        '/edges/0/toEnd: expected one of none, arrow, got a number',
      ],
    ],
    [{ nodes: [text], edges: [edge, edge] }, ['/edges/1/id: expected an id that no other has']],
  ])('refuses %j', (value, messages) => {
    expect(messagesOf(value)).toEqual(messages);
  });

  it('names at most 20 faults', () => {
    expect(canvasFaults({ nodes: Array(1000).fill({}), edges: Array(1000).fill({}) })).toHaveLength(20);
  });

  it('is not fooled by members of the prototype', () => {
    const value = JSON.parse(
      '{"nodes":[{"__proto__":{"id":"a","type":"text","text":"","x":0,"y":0,"width":1,"height":1}}]}',
    );
    expect(messagesOf(value)).toContain('/nodes/0/type: expected one of text, file, link, group, got nothing');
    expect(messagesOf({ nodes: [{ ...text, type: 'constructor' }] })).toHaveLength(1);
    expect(({} as { id?: string }).id).toBeUndefined();
  });

  it('agrees with the schema that the OpenAPI document shows', () => {
    const value = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.constantFrom('a', 'text', 'file', 'link', 'group', 'top', 'none', 'cover', '1', '#ff0000'),
      },
      fc.constantFrom('', 'red', 0, -1.5, Number.NaN, null, true, [], {}),
    );
    const keys = [
      'id',
      'type',
      'x',
      'y',
      'width',
      'height',
      'color',
      'text',
      'file',
      'subpath',
      'url',
      'label',
      'background',
      'backgroundStyle',
      'fromNode',
      'toNode',
      'fromSide',
      'toSide',
      'fromEnd',
      'toEnd',
      'other',
    ];
    const good = { ...text, ...edge, id: 'a', file: 'f', url: 'u' };
    const item = fc
      .record({
        changes: fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 3 }),
        without: fc.subarray(keys, { maxLength: 1 }),
      })
      .map(({ changes, without }) =>
        Object.fromEntries(Object.entries({ ...good, ...changes }).filter(([key]) => !without.includes(key))),
      );
    const seen = { valid: 0, invalid: 0 };
    fc.assert(
      fc.property(fc.oneof(item, value), fc.oneof(item, value), (node, edgeLike) => {
        const canvas = { nodes: [text, node], edges: [edgeLike] };
        const faults = canvasFaults(canvas).filter((fault) => !/no other has|of this canvas/.test(fault.message));
        const isValid = canvasSchema.safeParse(canvas).success;
        expect(faults.length === 0, JSON.stringify({ canvas, faults })).toBe(isValid);
        seen[isValid ? 'valid' : 'invalid'] += 1;
      }),
      { seed: 3, numRuns: 1500 },
    );
    expect(seen.valid).toBeGreaterThan(25);
    expect(seen.invalid).toBeGreaterThan(250);
  });
});

describe('what is no canvas at all', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  it.each([
    ['an empty body', Buffer.alloc(0), /empty body/],
    ['white space', Buffer.from(' \n'), /text that is none/],
    ['cut off', Buffer.from('{"nodes":['), /text that is none/],
    ['a byte order mark', Buffer.from('\ufeff{}'), /text that is none/],
    ['UTF-16', Buffer.from('{}', 'utf16le'), /text that is none/],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), /Expected UTF-8/],
    ['an overlong form', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), /Expected UTF-8/],
    ['trailing text', Buffer.from('{} x'), /text that is none/],
    ['a trailing comma', Buffer.from('{"a":1,}'), /near character 7/],
    ['NaN', Buffer.from('{"a":NaN}'), /text that is none/],
    ['129 levels', Buffer.from(`{"a":${nested(128)}}`), /128 levels/],
    ['a million levels', Buffer.from(nested(1_000_000)), /128 levels/],
    ['a number beyond a double', Buffer.from('{"a":[1e400]}'), /1\.8e308/],
    ['a very long number', Buffer.from(`{"a":${'9'.repeat(400)}}`), /1\.8e308/],
  ])('%s', (_name, bytes, message) => {
    expect(() => parseCanvas(bytes)).toThrow(
      expect.objectContaining({ code: 'CANVAS_MALFORMED', message: expect.stringMatching(message) }),
    );
  });

  it.each([
    ['128 levels', `{"a":${nested(127)}}`],
    ['brackets inside strings', JSON.stringify({ a: '['.repeat(500), b: '\\"[[[' })],
    ['numbers with exponents', '{"a":[1e300,1E-400,-0,12345678901234567890]}'],
    ['a lone surrogate, escaped', '{"a":"\\ud800"}'],
    ['duplicate and hostile keys', '{"a":1,"a":2,"__proto__":{"x":1},"constructor":{"prototype":{}}}'],
  ])('takes %s', (_name, json) => {
    parseCanvas(Buffer.from(json));
  });
});
