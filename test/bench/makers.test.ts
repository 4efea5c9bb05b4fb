import { expect, test } from 'vitest';
import { makeCanvas, revisionOf, withRevision } from '../../bench/makers/canvas-maker.js';
import { makeTrajectories } from '../../bench/makers/trajectory-maker.js';

test('a canvas is about as large as asked, tab-indented, and every edge joins nodes that exist', () => {
  for (const bytes of [2000, 50_000, 500_000]) {
    const text = makeCanvas(bytes, 1).toString();
    expect(Buffer.byteLength(text) / bytes).toBeGreaterThan(0.9);
    expect(Buffer.byteLength(text) / bytes).toBeLessThan(1.2);
    const canvas = JSON.parse(text) as { nodes: { id: string }[]; edges: { fromNode: string; toNode: string }[] };
    expect(JSON.stringify(canvas, null, '\t')).toBe(text);
    const ids = new Set(canvas.nodes.map((node) => node.id));
    expect(ids.size).toBe(canvas.nodes.length);
    expect(canvas.edges.every((edge) => ids.has(edge.fromNode) && ids.has(edge.toNode))).toBe(true);
  }
});

test('a revision changes its own digits and no others, and can be read from the beginning of the file', () => {
  const canvas = makeCanvas(2000, 1);
  const revised = withRevision(canvas, 1234);
  expect(revised.length).toBe(canvas.length);
  expect(revisionOf(revised)).toBe(1234);
  expect(revisionOf(revised.subarray(0, 512))).toBe(1234);
  expect(withRevision(revised, 0).equals(canvas)).toBe(true);
  expect(revisionOf(canvas)).toBe(0);
});

test('bytes without a revision are refused, not taken for one', () => {
  expect(() => revisionOf(Buffer.from('{}'))).toThrow('expected a canvas with a revision number');
  expect(() => revisionOf(makeCanvas(2000, 1).subarray(0, 60))).toThrow('expected a canvas with a revision number');
});

test('trajectories come ten to a question, about 4.9 KB each, with ids of their own', () => {
  const { bytes, ids } = makeTrajectories(200, 1);
  expect(bytes.length / 200).toBeGreaterThan(4700);
  expect(bytes.length / 200).toBeLessThan(5100);
  expect(new Set(ids).size).toBe(200);
  const lines = bytes.toString().trimEnd().split('\n');
  expect(lines).toHaveLength(20);
  for (const line of lines) {
    const { trajectories } = JSON.parse(line) as { trajectories: { data_id: string }[] };
    expect(trajectories).toHaveLength(10);
    expect(new Set(trajectories.map((one) => one.data_id)).size).toBe(1);
  }
});

test('the same seed makes the same bytes, another seed others', () => {
  expect(makeTrajectories(20, 5).bytes.equals(makeTrajectories(20, 5).bytes)).toBe(true);
  expect(makeTrajectories(20, 5).bytes.equals(makeTrajectories(20, 6).bytes)).toBe(false);
  expect(makeCanvas(2000, 5).equals(makeCanvas(2000, 5))).toBe(true);
});
