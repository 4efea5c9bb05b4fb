import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCanvas } from '../../../../src/canvases/document/canvas.js';
import { isKnownValid } from '../../../../src/canvases/document/valid-canvases.js';
import { SentCanvases } from '../../../../src/canvases/edits/sent/sent-canvases.js';
import { switchedCheck } from '../../../../src/canvases/edits/sent/switched-check.js';
import { Problem } from '../../../../src/errors.js';
import { fixedOptimization } from '../../../support/optimization.js';

const node = (id: string, text = `笔记 ${id}`) => ({ id, type: 'text', text, x: 0, y: 0, width: 250, height: 60 });
const edge = (id: string, fromNode: string, toNode: string) => ({ id, fromNode, toNode });
const bytesOf = (canvas: unknown, indent?: string) => Buffer.from(JSON.stringify(canvas, null, indent));

/** Counts how often a canvas was looked at as a whole. */
function open() {
  let whole = 0;
  const sent = new SentCanvases((bytes) => {
    whole += 1;
    return parseCanvas(bytes);
  });
  return { sent, whole: () => whole };
}

const problemOf = (work: () => void): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(Problem);
    return `${(error as Problem).code} ${(error as Problem).message}`;
  }
};

describe('SentCanvases', () => {
  const base = { nodes: ['a', 'b', 'c'].map((id) => node(id)), edges: [edge('e', 'a', 'b')] };
  const check = (next: unknown, indent = '\t') => {
    const { sent, whole } = open();
    sent.check('x.canvas', bytesOf(base, indent));
    const bytes = bytesOf(next, indent);
    const problem = problemOf(() => sent.check('x.canvas', bytes));
    expect(problem).toBe(problemOf(() => parseCanvas(bytes)));
    return whole() === 1 ? 'where it differs' : 'whole';
  };
  const withNodes = (...nodes: unknown[]) => ({ ...base, nodes });
  const [a, b, c] = base.nodes;

  it.each([
    ['a moved node', withNodes(a, { ...b, x: 7 }, c)],
    ['a longer text', withNodes(node('a', '很长'.repeat(500)), b, c)],
    ['two nodes side by side', withNodes(a, { ...b, y: 1 }, { ...c, y: 1 })],
    ['a new node in the middle', withNodes(a, node('new'), b, c)],
    ['a new node at the end', withNodes(a, b, c, node('new'))],
    ['nodes in another order', withNodes(a, c, b)],
    ['a new edge', { ...base, edges: [...base.edges, edge('f', 'b', 'c')] }],
    ['an edge that is gone', { ...base, edges: [] }],
    ['an edge with another end', { ...base, edges: [edge('e', 'a', 'c')] }],
    ['nothing', base],
  ])('looks only at what differs: %s', (_what, next) => {
    expect(check(next)).toBe('where it differs');
    expect(check(next, '')).toBe('where it differs');
  });

  it.each([
    ['a node without a type', withNodes(a, { ...b, type: undefined }, c)],
    ['an id that another node has', withNodes(a, { ...b, id: 'c' }, c)],
    ['an id twice among the new nodes', withNodes(a, node('new'), node('new'), b, c)],
    ['a node gone from under an edge', withNodes(b, c)],
    ['a node that is gone, without edges', withNodes(a, b)],
    ['an edge to nowhere', { ...base, edges: [edge('e', 'a', 'nowhere')] }],
    ['an edge with the id of another', { ...base, edges: [...base.edges, edge('e', 'b', 'c')] }],
    ['another member', { ...base, note: 1 }],
    ['a number that no double holds', { ...base, edges: [{ ...edge('e', 'a', 'b'), weight: 0 }] }],
  ])('gives the verdict of a look at all of it: %s', (_what, next) => {
    check(next);
  });

  it('does not take a number past a double, a deeper nesting, or a list that is begun twice for fine', () => {
    const { sent } = open();
    const text = bytesOf(base).toString();
    const bad = [
      text.replace('"x":0', '"x":1e999'),
      text.replace('"x":0', `"x":0,"deep":${'['.repeat(126)}${']'.repeat(126)}`),
      text.replace('},{"id":"b"', '}],"nodes":[{"id":"b"'),
      text.replace('},{"id":"b"', '}.5,{"id":"b"'),
      text.replace('},{"id":"b"', '},,{"id":"b"'),
      text.replace('{"id":"b"', '{"id":"b'),
    ];
    for (const each of bad) {
      sent.check('x.canvas', Buffer.from(text));
      const bytes = Buffer.from(each);
      expect(problemOf(() => sent.check('x.canvas', bytes))).toBe(problemOf(() => parseCanvas(bytes)));
    }
  });

  it('notes what it found valid, so that edits build on it', () => {
    const { sent } = open();
    sent.check('x.canvas', bytesOf(base));
    const bytes = bytesOf(withNodes(a, { ...b, x: 7 }, c));
    sent.check('x.canvas', bytes);
    expect(isKnownValid(bytes)).toBe(true);
  });

  it('keeps canvases apart, and no more of them than its bytes allow', () => {
    let whole = 0;
    const one = bytesOf(base);
    const sent = new SentCanvases(() => whole++, one.length * 2);
    for (const path of ['1.canvas', '2.canvas', '3.canvas']) sent.check(path, bytesOf(base));
    expect(whole).toBe(3);
    sent.check('1.canvas', bytesOf(base));
    expect(whole).toBe(4);
  });

  const ids = ['a', 'b', 'c', 'd'];
  const anyNode = fc.record({
    id: fc.constantFrom(...ids),
    type: fc.constantFrom('text', 'text', 'text', 'odd'),
    text: fc.constantFrom('', '长文', '"quoted\\" }],[{'),
    x: fc.integer({ min: 0, max: 99 }),
    y: fc.constant(0),
    width: fc.constant(1),
    height: fc.constant(1),
  });
  const anyEdge = fc.record({
    id: fc.constantFrom('e', 'f'),
    fromNode: fc.constantFrom(...ids),
    toNode: fc.constantFrom(...ids),
  });
  const anyCanvas = fc.record(
    {
      nodes: fc.uniqueArray(anyNode, { maxLength: 4, selector: ({ id }) => id }),
      edges: fc.array(anyEdge, { maxLength: 2 }),
      other: fc.boolean(),
    },
    { requiredKeys: [] },
  );
  const snippets = [
    '],"nodes":[',
    '{}',
    ',',
    '"',
    '\\',
    ']',
    '}',
    '.5',
    '0',
    ' ',
    '[',
    '{',
    '],[',
    '\u00e9',
    '{"id":"a"}',
    '"id":"b",',
  ];
  const anyDamage = fc.option(fc.record({ at: fc.nat(400), cut: fc.nat(3), put: fc.constantFrom(...snippets) }), {
    freq: 2,
  });

  const damaged = (bytes: Buffer, damage: { at: number; cut: number; put: string } | null): Buffer => {
    if (!damage) return bytes;
    const at = Math.min(damage.at, bytes.length);
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(damage.put), bytes.subarray(at + damage.cut)]);
  };
  const sameVerdicts = (versions: readonly Buffer[]) => {
    const sent = new SentCanvases();
    for (const bytes of versions) {
      expect(problemOf(() => sent.check('x.canvas', bytes))).toBe(problemOf(() => parseCanvas(bytes)));
    }
  };
  const indents = fc.constantFrom('', '  ');

  it('says of versions that have little in common what a look at all of them says', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyCanvas, anyDamage), { maxLength: 6 }), indents, (versions, indent) => {
        sameVerdicts(versions.map(([canvas, damage]) => damaged(bytesOf(canvas, indent), damage)));
      }),
      { seed: 20261122, numRuns: 500 },
    );
  });

  it('says of versions that differ in one place what a look at all of them says', () => {
    const start = { nodes: ids.map((id) => node(id)), edges: [edge('e', 'a', 'b'), edge('f', 'b', 'c')] };
    const anyStep = fc.oneof(
      fc.record({ list: fc.constant('nodes' as const), at: fc.nat(3), put: fc.array(anyNode, { maxLength: 2 }) }),
      fc.record({ list: fc.constant('edges' as const), at: fc.nat(1), put: fc.array(anyEdge, { maxLength: 2 }) }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(anyStep, anyDamage), { maxLength: 8 }), indents, (steps, indent) => {
        const versions: Buffer[] = [bytesOf(start, indent)];
        for (const [{ list, at, put }, damage] of steps) {
          const next = { ...start, [list]: start[list].toSpliced(at, 1, ...(put as never[])) };
          versions.push(damaged(bytesOf(next, indent), damage));
        }
        sameVerdicts(versions);
      }),
      { seed: 20261122, numRuns: 1200 },
    );
  });
});

describe('switchedCheck', () => {
  it('looks at all of a canvas when its flag is off, and when the optimised way breaks', () => {
    const broken = {
      check: () => {
        throw new TypeError('broken');
      },
    };
    const bytes = bytesOf({ nodes: [{ id: 'a' }] });
    for (const isOn of [true, false]) {
      const flag = fixedOptimization(isOn, {});
      expect(problemOf(() => switchedCheck(flag, broken)('x.canvas', bytes))).toMatch(/^CANVAS_INVALID/);
    }
  });
});
