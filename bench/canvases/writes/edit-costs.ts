import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { canvasFaults, parseCanvas } from '../../../src/canvases/document/canvas.js';
import { RecentEditors } from '../../../src/canvases/edits/recent-editors.js';
import type { BenchContext } from '../../bench.js';
import { makeCanvas } from '../../makers/canvas-maker.js';
import { createRandom } from '../../makers/random.js';
import { formatNumber } from '../../report/numbers.js';
import type { Figure, Section } from '../../report/section.js';
import { createClient, expectStatus } from '../../support/client.js';
import { interleave } from '../../support/interleave.js';
import { cpuNanoseconds } from '../../support/process-usage.js';
import { type Service, startService } from '../../support/service.js';
import { median } from '../../support/statistics.js';

const sizes = [
  { label: '50 KB', bytes: 50_000 },
  { label: '500 KB', bytes: 500_000 },
];

interface Nodes {
  nodes: { id: string; x: number; y: number }[];
}

const idsOf = (canvas: Buffer) => (JSON.parse(canvas.toString()) as Nodes).nodes.map(({ id }) => id);

/** One move of a card after the other, in the editor: microseconds for each. */
function editorSlices(canvas: Buffer, edits: number): () => Promise<number> {
  const [ids, random, editors] = [idsOf(canvas), createRandom(1), new RecentEditors()];
  parseCanvas(canvas);
  let current = canvas;
  return async () => {
    const startedAt = performance.now();
    for (let i = 0; i < edits; i++) {
      const patch = Buffer.from(JSON.stringify({ x: random.integer(0, 9999), y: i }));
      current = editors.apply(current, { op: 'patchNode', id: random.pick(ids), patch });
    }
    return ((performance.now() - startedAt) * 1000) / edits;
  };
}

/** The same moves as one would write them first: parse, change, check, write out. */
function wholeSlices(canvas: Buffer, edits: number): () => Promise<number> {
  const [ids, random] = [idsOf(canvas), createRandom(1)];
  let current = canvas;
  return async () => {
    const startedAt = performance.now();
    for (let i = 0; i < edits; i++) {
      const value = JSON.parse(current.toString()) as Nodes;
      const id = random.pick(ids);
      Object.assign(value.nodes.find((node) => node.id === id) as object, { x: random.integer(0, 9999), y: i });
      if (canvasFaults(value).length > 0) throw new Error('the canvas is not valid any more');
      current = Buffer.from(JSON.stringify(value, null, '\t'));
    }
    return ((performance.now() - startedAt) * 1000) / edits;
  };
}

/** One move of a card a request: the server's CPU microseconds for each. */
async function httpSlices(service: Service, canvas: Buffer, edits: number): Promise<() => Promise<number>> {
  const [ids, random] = [idsOf(canvas), createRandom(1)];
  const name = `edited-${canvas.length}.canvas`;
  await writeFile(path.join(service.vaultDir, name), canvas);
  return async () => {
    const client = createClient(service.origin, 1);
    const before = cpuNanoseconds(service.pid);
    for (let i = 0; i < edits; i++) {
      const body = Buffer.from(JSON.stringify({ x: random.integer(0, 9999), y: i }));
      const headers = { 'content-type': 'application/merge-patch+json' };
      const address = `/canvas/${name}/nodes/${random.pick(ids)}`;
      expectStatus(await client.request('PATCH', address, { headers, body }), [200], 'PATCH of a node');
    }
    client.close();
    return (cpuNanoseconds(service.pid) - before) / 1000 / edits;
  };
}

/**
 * Moving one card of a canvas, against parsing, changing, checking and writing out all of it.
 * @source product contract, Canvases (PATCH), "Optimisations" (fast_json)
 */
export async function benchEditCosts(context: BenchContext, service: Service): Promise<Section> {
  const whole = await startService(path.join(context.folder, 'whole'), 'optimized', ['fast_json']);
  const figures: Figure[] = [];
  const rows: string[][] = [];
  const tell = (
    label: string,
    unit: string,
    rounds: Record<'one' | 'all', number>[],
    edits: number,
    atLeast?: number,
  ) => {
    figures.push({
      measure: `${label}: whole document / one element`,
      unit: 'x',
      holds: 'high',
      rounds: rounds.map(({ one, all }) => all / one),
      perRound: `${edits} edits of each`,
      ...(atLeast === undefined ? {} : { asked: { relation: 'at least' as const, value: atLeast } }),
    });
    const medians = (['one', 'all'] as const).map((name) => median(rounds.map((round) => round[name])));
    rows.push([`${label}, ${unit}`, ...medians.map(formatNumber)]);
  };
  for (const { label, bytes } of sizes) {
    context.note(`edits of one node, ${label}`);
    const canvas = makeCanvas(bytes, bytes);
    const edits = context.quick ? 5 : Math.round(20_000_000 / bytes);
    const inEditor = { one: editorSlices(canvas, edits), all: wholeSlices(canvas, edits) };
    const overHttp = { one: await httpSlices(service, canvas, edits), all: await httpSlices(whole, canvas, edits) };
    for (const slice of [...Object.values(inEditor), ...Object.values(overHttp)]) await slice();
    const rounds = context.quick ? 1 : 9;
    const isLarge = bytes === 500_000;
    tell(`${label}, the editor`, 'us', await interleave(rounds, inEditor), edits, isLarge ? 9 : undefined);
    tell(`${label}, over HTTP`, 'CPU us/request', await interleave(rounds, overHttp), edits);
  }
  await whole.stop();
  return {
    title: 'Canvases: moving one card',
    how:
      'A patch of `x` and `y` of one node after another, in a chain of versions. "The editor" is what makes the new ' +
      'bytes and knows that they are a valid canvas, by itself, against `JSON.parse`, the change, a check of the whole ' +
      'canvas, and `JSON.stringify`. "Over HTTP" is `PATCH .../nodes/{id}` from one client, durable when answered, with ' +
      'all that a request costs (ETag, journal, file, history, log, metrics); the whole document is the same service with `fast_json` ' +
      'off, which parses, checks and writes out the canvas on each edit.',
    figures,
    tables: [{ heading: ['medians of the rounds', 'one element', 'whole document'], rows }],
  };
}
