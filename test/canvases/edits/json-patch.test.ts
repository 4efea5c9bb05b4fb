import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyJsonPatch } from '../../../src/canvases/edits/patch/json-patch.js';
import { Problem } from '../../../src/errors.js';
import {
  canonical,
  canvas,
  clone,
  type Json,
  type JsonObject,
  json,
  own,
  parsed,
  set,
  written,
} from './canvas-arbitrary.js';

type Operation = { op: string; path: string; from?: string; value?: Json };

class Refused extends Error {}

const tokensOf = (pointer: string) =>
  pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));

function child(target: Json, token: string): Json {
  if (Array.isArray(target)) {
    if (!/^(0|[1-9]\d*)$/.test(token) || Number(token) >= target.length) throw new Refused();
    return target[Number(token)] as Json;
  }
  if (typeof target !== 'object' || target === null) throw new Refused();
  const value = own(target, token);
  if (value === undefined) throw new Refused();
  return value;
}

const at = (target: Json, path: readonly string[]): Json => path.reduce(child, target);

function added(root: Json, path: readonly string[], value: Json): Json {
  if (path.length === 0) return value;
  const parent = at(root, path.slice(0, -1));
  const last = path.at(-1) as string;
  if (Array.isArray(parent)) {
    const index = last === '-' ? parent.length : /^(0|[1-9]\d*)$/.test(last) ? Number(last) : -1;
    if (index < 0 || index > parent.length) throw new Refused();
    parent.splice(index, 0, value);
  } else if (typeof parent === 'object' && parent !== null) set(parent, last, value);
  else throw new Refused();
  return root;
}

function removed(root: Json, path: readonly string[]): void {
  at(root, path);
  const parent = at(root, path.slice(0, -1)) as Json[] | JsonObject;
  const last = path.at(-1) as string;
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete parent[last];
}

/** RFC 6902 on objects; throws Refused. */
function model(target: Json, operations: readonly Operation[]): Json {
  let root = clone(target);
  for (const { op, path: pointer, from: source = '', value = null } of operations) {
    const path = tokensOf(pointer);
    const from = tokensOf(source);
    if (op === 'add') root = added(root, path, clone(value));
    else if (op === 'test') {
      if (canonical(at(root, path)) !== canonical(value)) throw new Refused();
    } else if (op === 'copy') root = added(root, path, clone(at(root, from)));
    else if (op === 'replace') {
      at(root, path);
      if (path.length === 0) root = clone(value);
      else {
        const parent = at(root, path.slice(0, -1));
        if (Array.isArray(parent)) parent[Number(path.at(-1))] = clone(value);
        else set(parent as JsonObject, path.at(-1) as string, clone(value));
      }
    } else {
      if (from.length < path.length && from.every((token, i) => path[i] === token) && op === 'move')
        throw new Refused();
      if (op === 'remove' && path.length === 0) throw new Refused();
      const value = at(root, op === 'move' ? from : path);
      if (op === 'move' && pointer === source) continue;
      removed(root, op === 'move' ? from : path);
      if (op === 'move') root = added(root, path, value);
    }
  }
  return root;
}

const token = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('nodes', 'edges', '0', '1', '2', 'metadata', 'x', 'text', 'id', 'extra') },
  { weight: 1, arbitrary: fc.constantFrom('-', '01', '', '__proto__', 'a/b', 'm~n', '-1', 'foo', 'toNode') },
);
const pointer = fc
  .array(token, { maxLength: 4 })
  .map((tokens) => tokens.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''));
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ op: fc.constantFrom('add', 'replace'), path: pointer, value: json }),
  fc.record({ op: fc.constant('remove'), path: pointer }),
  fc.record({ op: fc.constantFrom('move', 'copy'), path: pointer, from: pointer }),
  fc.record({ op: fc.constant('test'), path: pointer, value: json }),
);

/** Turns half of all paths into places that exist, so that most patches do something. */
function grounded(target: Json, operations: readonly Operation[], seed: number): Operation[] {
  const paths: string[] = [];
  const walk = (value: Json, path: string) => {
    paths.push(path);
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value))
      walk(child(value, key), `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
  };
  walk(target, '');
  let state = seed;
  const maybe = (path: string) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 16) % 3 > 0 ? (paths[(state >>> 18) % paths.length] ?? path) : path;
  };
  return operations.map((one) => {
    const path = one.op === 'test' ? one.path : maybe(one.path);
    return { ...one, path, ...(one.from === undefined ? {} : { from: maybe(one.from) }) };
  });
}

const refusalOf = (run: () => unknown) => {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
};

const patched = (start: Json | string, operations: unknown): Json =>
  parsed(applyJsonPatch(Buffer.from(typeof start === 'string' ? start : JSON.stringify(start)), operations).bytes);

describe('JSON Patch on text', () => {
  it('does what RFC 6902 says, or refuses all of it, in any layout', () => {
    let done = 0;
    fc.assert(
      fc.property(
        written(canvas),
        fc.array(operation, { maxLength: 5 }),
        fc.nat(),
        fc.boolean(),
        ({ value, bytes }, random, seed, asBytes) => {
          const operations = grounded(value, random, seed);
          const before = Buffer.from(bytes);
          const patch = asBytes ? Buffer.from(JSON.stringify(operations)) : operations;
          let expected: Json | undefined;
          try {
            expected = model(value, operations);
          } catch (error) {
            if (!(error instanceof Refused)) throw error;
          }
          const refusal = refusalOf(() => {
            const result = applyJsonPatch(bytes, patch);
            expect(canonical(parsed(result.bytes))).toBe(canonical(expected));
            if (operations.length > 0) done++;
          });
          expect(refusal === undefined).toBe(expected !== undefined);
          expect(bytes.equals(before)).toBe(true);
        },
      ),
      { seed: 6902, numRuns: 1200 },
    );
    expect(done).toBeGreaterThan(150);
  });

  it.each<[string, Json, Json, Json]>([
    [
      'A.1 adding an object member',
      { foo: 'bar' },
      [{ op: 'add', path: '/baz', value: 'qux' }],
      { baz: 'qux', foo: 'bar' },
    ],
    [
      'A.2 adding an array element',
      { foo: ['bar', 'baz'] },
      [{ op: 'add', path: '/foo/1', value: 'qux' }],
      { foo: ['bar', 'qux', 'baz'] },
    ],
    ['A.3 removing an object member', { baz: 'qux', foo: 'bar' }, [{ op: 'remove', path: '/baz' }], { foo: 'bar' }],
    [
      'A.4 removing an array element',
      { foo: ['bar', 'qux', 'baz'] },
      [{ op: 'remove', path: '/foo/1' }],
      { foo: ['bar', 'baz'] },
    ],
    [
      'A.5 replacing a value',
      { baz: 'qux', foo: 'bar' },
      [{ op: 'replace', path: '/baz', value: 'boo' }],
      { baz: 'boo', foo: 'bar' },
    ],
    [
      'A.6 moving a value',
      { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
      [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
      { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
    ],
    [
      'A.7 moving an array element',
      { foo: ['all', 'grass', 'cows', 'eat'] },
      [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
      { foo: ['all', 'cows', 'eat', 'grass'] },
    ],
    [
      'A.8 testing a value, success',
      { baz: 'qux', foo: ['a', 2, 'c'] },
      [
        { op: 'test', path: '/baz', value: 'qux' },
        { op: 'test', path: '/foo/1', value: 2 },
      ],
      { baz: 'qux', foo: ['a', 2, 'c'] },
    ],
    [
      'A.10 adding a nested member',
      { foo: 'bar' },
      [{ op: 'add', path: '/child', value: { grandchild: {} } }],
      { foo: 'bar', child: { grandchild: {} } },
    ],
    [
      'A.11 ignoring unknown members',
      { foo: 'bar' },
      [{ op: 'add', path: '/baz', value: 'qux', xyz: 123 }],
      { foo: 'bar', baz: 'qux' },
    ],
    ['A.14 ~ escapes', { '/': 9, '~1': 10 }, [{ op: 'test', path: '/~01', value: 10 }], { '/': 9, '~1': 10 }],
    [
      'A.16 adding an array value',
      { foo: ['bar'] },
      [{ op: 'add', path: '/foo/-', value: ['abc', 'def'] }],
      { foo: ['bar', ['abc', 'def']] },
    ],
  ])('RFC 6902 %s', (_name, start, patch, expected) => {
    expect(patched(start, patch)).toEqual(expected);
  });

  it.each<[string, Json, unknown, string, string]>([
    [
      'A.9 a failed test',
      { baz: 'qux' },
      [{ op: 'test', path: '/baz', value: 'bar' }],
      'CANVAS_PATCH_TEST_FAILED',
      'conflict',
    ],
    [
      'A.12 a parent that is not there',
      { foo: 'bar' },
      [{ op: 'add', path: '/baz/bat', value: 'qux' }],
      'CANVAS_PATCH_PATH_UNKNOWN',
      'conflict',
    ],
    [
      'A.13 an operation with two ops',
      { foo: 'bar' },
      Buffer.from('[{"op":"add","path":"/baz","value":"qux","op":"remove"}]'),
      'CANVAS_PATCH_MALFORMED',
      'invalid',
    ],
    [
      'A.15 a text is no number',
      { '/': 9, '~1': 10 },
      [{ op: 'test', path: '/~01', value: '10' }],
      'CANVAS_PATCH_TEST_FAILED',
      'conflict',
    ],
    ['an index with a leading zero', [1, 2], [{ op: 'remove', path: '/01' }], 'CANVAS_PATCH_PATH_UNKNOWN', 'conflict'],
    ['an index past the end', [1, 2], [{ op: 'add', path: '/3', value: 0 }], 'CANVAS_PATCH_PATH_UNKNOWN', 'conflict'],
    [
      'removing what is behind the end',
      [1, 2],
      [{ op: 'remove', path: '/-' }],
      'CANVAS_PATCH_PATH_UNKNOWN',
      'conflict',
    ],
    ['a pointer without a slash', {}, [{ op: 'add', path: 'a', value: 0 }], 'CANVAS_PATCH_MALFORMED', 'invalid'],
    ['a pointer with a bad escape', {}, [{ op: 'add', path: '/a~2', value: 0 }], 'CANVAS_PATCH_MALFORMED', 'invalid'],
    [
      'a move into itself',
      { a: { b: 1 } },
      [{ op: 'move', from: '/a', path: '/a/b' }],
      'CANVAS_PATCH_MALFORMED',
      'invalid',
    ],
    ['removing the root', {}, [{ op: 'remove', path: '' }], 'CANVAS_PATCH_MALFORMED', 'invalid'],
    ['no value', {}, [{ op: 'add', path: '/a' }], 'CANVAS_PATCH_MALFORMED', 'invalid'],
    ['no from', {}, [{ op: 'copy', path: '/a' }], 'CANVAS_PATCH_MALFORMED', 'invalid'],
    ['an unknown op', {}, [{ op: 'spam', path: '/a' }], 'CANVAS_PATCH_MALFORMED', 'invalid'],
    ['an op that is no text', {}, [{ op: 1, path: '/a' }], 'CANVAS_PATCH_MALFORMED', 'invalid'],
    ['an operation that is no object', {}, [null], 'CANVAS_PATCH_MALFORMED', 'invalid'],
    ['a patch that is no array', {}, { op: 'add' }, 'CANVAS_PATCH_MALFORMED', 'invalid'],
    ['a patch that is no JSON', {}, Buffer.from('[{]'), 'CANVAS_PATCH_MALFORMED', 'invalid'],
    ['no UTF-8', {}, Buffer.from([0x5b, 0xff, 0x5d]), 'CANVAS_PATCH_MALFORMED', 'invalid'],
    [
      'too many operations',
      {},
      Array(10_001).fill({ op: 'test', path: '', value: {} }),
      'CANVAS_PATCH_TOO_LONG',
      'too_large',
    ],
  ])('refuses %s, naming the place', (_name, start, patch, code, kind) => {
    const refusal = refusalOf(() => patched(start, patch));
    expect(refusal).toMatchObject({ code, kind });
    if (Array.isArray(patch) && patch.length === 1) expect(refusal?.faults?.[0]?.pointer).toMatch(/^\/0/);
  });

  const tabs = '{\n\t"nodes":[\n\t\t{"id":"a","x":1.0, "y":2},\n\t\t{"id":"b","x":0}\n\t],\n\t"edges":[]\n}';
  const edited = (...operations: Operation[]) => applyJsonPatch(Buffer.from(tabs), operations).bytes.toString();

  it('rewrites only the touched value', () => {
    expect(edited({ op: 'replace', path: '/nodes/1/x', value: 5 })).toBe(tabs.replace('"x":0', '"x":5'));
    expect(edited({ op: 'remove', path: '/nodes/0' })).toBe(tabs.replace('\n\t\t{"id":"a","x":1.0, "y":2},', ''));
    expect(edited({ op: 'remove', path: '/nodes/1' })).toBe(tabs.replace(',\n\t\t{"id":"b","x":0}', ''));
    expect(edited({ op: 'add', path: '/nodes/1', value: { id: 'c' } })).toBe(
      tabs.replace('\n\t\t{"id":"b"', '\n\t\t{"id":"c"},\n\t\t{"id":"b"'),
    );
    expect(edited({ op: 'add', path: '/nodes/0', value: { id: 'c' } })).toBe(
      tabs.replace('[\n\t\t{"id":"a"', '[\n\t\t{"id":"c"},\n\t\t{"id":"a"'),
    );
    expect(edited({ op: 'add', path: '/meta', value: { v: [1] } })).toBe(
      tabs.replace('"edges":[]', '"edges":[],\n\t"meta":{\n\t\t"v":[1]\n\t}'),
    );
  });

  it('keeps the spaces of lists on one line where they belong', () => {
    const line = (...operations: Operation[]) =>
      applyJsonPatch(Buffer.from('{"a": [1, 2, 3]}'), operations).bytes.toString();
    expect(line({ op: 'remove', path: '/a/0' })).toBe('{"a": [2, 3]}');
    expect(line({ op: 'remove', path: '/a/2' })).toBe('{"a": [1, 2]}');
    expect(line({ op: 'add', path: '/a/0', value: 0 })).toBe('{"a": [0, 1, 2, 3]}');
    expect(line({ op: 'add', path: '/a/-', value: { b: [] } })).toBe('{"a": [1, 2, 3, {"b": []}]}');
    const padded = Buffer.from('{ "a": 1, "b": 2 }');
    expect(applyJsonPatch(padded, [{ op: 'remove', path: '/a' }]).bytes.toString()).toBe('{ "b": 2 }');
    expect(applyJsonPatch(padded, [{ op: 'add', path: '/c', value: { d: 1 } }]).bytes.toString()).toBe(
      '{ "a": 1, "b": 2, "c": { "d": 1 } }',
    );
  });

  it('moves and copies with the spelling of numbers and the layout kept', () => {
    expect(edited({ op: 'move', from: '/nodes/0', path: '/nodes/1' })).toBe(
      '{\n\t"nodes":[\n\t\t{"id":"b","x":0},\n\t\t{"id":"a","x":1.0, "y":2}\n\t],\n\t"edges":[]\n}',
    );
    expect(edited({ op: 'copy', from: '/nodes/0/x', path: '/nodes/1/z' })).toBe(tabs.replace('"x":0', '"x":0,"z":1.0'));
    expect(edited({ op: 'copy', from: '/nodes/0', path: '/first' })).toContain(
      '"first":{\n\t\t"id":"a",\n\t\t"x":1.0,\n\t\t"y":2\n\t}',
    );
    const big = applyJsonPatch(Buffer.from('{"a":12345678901234567890,"b":1E+2}'), [
      { op: 'move', from: '/a', path: '/c' },
      { op: 'copy', from: '/b', path: '/d' },
    ]);
    expect(big.bytes.toString()).toBe('{"b":1E+2,"c":12345678901234567890,"d":1E+2}');
  });

  it('compares numbers by their exact value', () => {
    const test = (value: string, other: string) =>
      refusalOf(() =>
        applyJsonPatch(Buffer.from(`[${value}]`), Buffer.from(`[{"op":"test","path":"/0","value":${other}}]`)),
      )?.code;
    for (const same of ['1', '1.0', '10e-1', '0.1E+1']) expect(test('1', same)).toBeUndefined();
    for (const zero of ['0', '-0', '0e5']) expect(test('0.0', zero)).toBeUndefined();
    expect(test('9007199254740993', '9007199254740992')).toBe('CANVAS_PATCH_TEST_FAILED');
    expect(test('-1', '1')).toBe('CANVAS_PATCH_TEST_FAILED');
    expect(test('"\\u0061"', '"a"')).toBeUndefined();
  });

  it('takes ten thousand operations in one patch', () => {
    const operations = Array.from({ length: 10_000 }, (_, i) => ({
      op: 'add',
      path: '/nodes/-',
      value: { id: `n${i}` },
    }));
    const result = applyJsonPatch(Buffer.from('{"nodes":[],"edges":[]}'), operations);
    expect((parsed(result.bytes) as { nodes: Json[] }).nodes).toHaveLength(10_000);
    const back = applyJsonPatch(result.bytes, Array(10_000).fill({ op: 'remove', path: '/nodes/0' }));
    expect(back.bytes.toString()).toBe('{"nodes":[],"edges":[]}');
  });

  it('says which elements to check again, and when to check all', () => {
    const two = Buffer.from(
      '{"nodes":[{"id":"a","x":1},{"id":"b","x":2}],"edges":[{"id":"e","fromNode":"a","toNode":"b"}],"k":1}',
    );
    const touched = (...operations: Operation[]) => {
      const { touched: parts, elements } = applyJsonPatch(two, operations);
      return { ...parts, pointers: elements.map(({ pointer }) => pointer) };
    };
    expect(touched({ op: 'replace', path: '/nodes/1/x', value: 9 }, { op: 'add', path: '/k', value: 2 })).toMatchObject(
      {
        whole: false,
        nodes: ['b'],
        keys: ['k'],
        pointers: ['/nodes/1'],
      },
    );
    expect(touched({ op: 'add', path: '/edges/0/label', value: 'x' })).toMatchObject({ whole: false, edges: ['e'] });
    expect(touched({ op: 'remove', path: '/k' })).toMatchObject({ whole: false, keys: ['k'] });
    expect(touched({ op: 'remove', path: '/nodes/0' }).whole).toBe(true);
    expect(touched({ op: 'remove', path: '/edges/0' }).whole).toBe(true);
    for (const path of ['/nodes/0/id', '/edges/0/toNode', '/nodes/0', '/nodes', ''])
      expect(touched({ op: 'replace', path, value: { id: 'q' } }).whole).toBe(true);
    expect(touched({ op: 'remove', path: '/nodes' }).whole).toBe(true);
    expect(touched({ op: 'remove', path: '/edges/0/fromNode' }).whole).toBe(true);
    expect(touched({ op: 'move', from: '/nodes/0', path: '/nodes/1' }).whole).toBe(true);
    expect(touched({ op: 'test', path: '/k', value: 1 }).whole).toBe(false);
  });
});
