import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createAnalysisImport } from '../../../src/trajectories/analysis/analysis-import.js';
import { createAnalysisStore } from '../../../src/trajectories/analysis/analysis-store.js';
import {
  analysisRoutes,
  type Trajectories,
  type TrajectoryEvent,
  trajectoryRoutes,
} from '../../../src/trajectories/index.js';
import { createWriteQueue } from '../../../src/trajectories/store/write-queue.js';
import { temporaryFolder } from '../../support/folder.js';
import { startTestServer } from '../../support/server.js';
import { openStore } from '../open-store.js';
import { makeRow, openTables, suiteFolder } from '../stored-rows.js';

const rows = Array.from({ length: 40 }, (_, i) => makeRow(i));
const type = { 'content-type': 'application/x-ndjson' };
const row = (trajectory_id: string, rest = {}) => ({ trajectory_id, is_success: true, ...rest });
const jsonl = (lines: unknown[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

let trajectories: Trajectories;
const events: TrajectoryEvent[] = [];
beforeAll(async () => {
  const folder = await suiteFolder();
  await openTables(rows, 2, folder);
  trajectories = await openStore(folder, events);
});
afterAll(() => trajectories.close());

async function start() {
  const server = await startTestServer([analysisRoutes(trajectories), trajectoryRoutes(trajectories)]);
  const post = (payload: string, headers: Record<string, string> = type) =>
    server.inject({ method: 'POST', url: '/api/analysis/import', payload, headers });
  const list = async (query: Record<string, string>) =>
    (await server.inject({ url: '/api/trajectories', query: { pageSize: '1000', ...query } })).json();
  return { server, post, list };
}

describe('POST /api/analysis/import', () => {
  test('stores rows, which show in rows, filter and totals at once', async () => {
    const { post, list } = await start();
    const given = [
      row('t-00000', { category: '检索失败', root_cause: 'a' }),
      row('t-00006', { is_success: false }),
      row('t-00001'),
      { broken: true },
      row('nobody yet'),
      row('t-00001', { is_success: false, category: 'last' }),
    ];
    const answer = await post(`\n${jsonl(given)}nonsense`);
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({
      imported_count: 5,
      unmatched_count: 1,
      failed_count: 2,
      errors: [
        'Line 5: is_success: expected boolean, got undefined; trajectory_id: expected string, got undefined; expected no such name: "broken"',
        'Line 8: expected valid JSON',
      ],
    });
    const expected = new Set(rows.filter((r) => r.is_success).map((r) => r.trajectory_id)).add('t-00000');
    expected.delete('t-00006');
    expected.delete('t-00001');
    const { data, total } = await list({ is_success: 'true' });
    expect(total).toBe(expected.size);
    expect(data.map((r: { trajectory_id: string }) => r.trajectory_id).sort()).toEqual([...expected].sort());
    const [first] = (await list({ trajectory_id: 't-00000' })).data;
    expect(first).toMatchObject({ isSuccess: true, category: '检索失败', rootCause: 'a' });
    const [second] = (await list({ trajectory_id: 't-00001' })).data;
    expect(second).toMatchObject({ isSuccess: false, category: 'last' });
    expect(events).toContainEqual(expect.objectContaining({ type: 'analysis_imported', rows: 5, failed: 2 }));
  });

  test('a change of category alone shows at once in a list that was read before', async () => {
    const { post, list } = await start();
    const { trajectory_id, is_success } = rows[20]!;
    for (const category of ['first', 'second']) {
      await post(jsonl([row(trajectory_id, { is_success, category })]));
      expect((await list({ trajectory_id })).data[0]).toMatchObject({ isSuccess: is_success, category });
    }
  });

  test('sent twice, it changes nothing more', async () => {
    const { post, list } = await start();
    const lines = jsonl([row('t-00010', { category: 'once' }), row("it's", { is_success: false })]);
    const first = await post(lines);
    const after = await list({});
    expect((await post(lines)).json()).toEqual(first.json());
    expect(await list({})).toEqual(after);
  });

  test.each<[string, string]>([
    ['', 'application/x-ndjson'],
    ['\n\n \n', 'application/json'],
  ])('an upload without lines stores nothing', async (payload, contentType) => {
    const { post } = await start();
    const answer = await post(payload, { 'content-type': contentType });
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      { imported_count: 0, unmatched_count: 0, failed_count: 0, errors: [] },
    ]);
  });

  test('other media types, encodings and parameters are refused', async () => {
    const { server, post } = await start();
    expect((await post('{}', { 'content-type': 'text/plain' })).statusCode).toBe(415);
    const packed = await post('{}', { ...type, 'content-encoding': 'gzip' });
    expect([packed.statusCode, packed.json().code]).toEqual([415, 'ANALYSIS_ENCODING_UNSUPPORTED']);
    const strange = await server.inject({
      method: 'POST',
      url: '/api/analysis/import?wait=1',
      payload: '',
      headers: type,
    });
    expect(strange.statusCode).toBe(400);
  });

  test('an upload cut off in the middle is told so, or its connection is gone, and the service goes on', async () => {
    const { server, post } = await start();
    await server.listen({ port: 0, host: '127.0.0.1' });
    const { port } = server.server.address() as { port: number };
    const socket = connect(port, '127.0.0.1');
    await new Promise<void>((resolve) => {
      socket.on('close', () => resolve());
      socket.on('error', () => {});
      socket.on('data', () => {});
      const head = `POST /api/analysis/import HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\n`;
      socket.write(`${head}Content-Length: 1000\r\n\r\n${jsonl([row('t-00011')])}`, () => socket.end());
    });
    expect((await post(jsonl([row('t-00011')]))).json()).toMatchObject({ imported_count: 1 });
  });
});

describe('a bulk import', () => {
  async function open(given = rows) {
    const { table, analysis, database, folder } = await openTables(given, 1, await temporaryFolder());
    let time = 1000;
    const clock = {
      now: () => time,
      pass: (seconds: number) => {
        time += seconds;
      },
    };
    let syncs = 0;
    const makeDurable = async () => {
      syncs += 1;
    };
    const store = createAnalysisStore({
      trajectories: table,
      analysis,
      writes: createWriteQueue(),
      now: clock.now,
      makeDurable,
    });
    onTestFinished(() => {
      table.close();
      analysis.close();
      database.close();
    });
    const successes = async () => {
      const found = await table.query().where('is_success = true').select(['trajectory_id']).toArray();
      return found.map((r) => String(r.trajectory_id)).sort();
    };
    return { table, analysis, folder, store, clock, successes, syncs: () => syncs };
  }
  async function* pieces(text: string, size = 70_000) {
    const bytes = Buffer.from(text);
    for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
  }
  const verdict = { is_success: true, category: '', root_cause: '', suggestion: '' };

  test('equals a model, whatever lines repeat, over several batches', async () => {
    const many = Array.from({ length: 300 }, (_, i) => makeRow(i));
    const { analysis, store, successes, syncs } = await open(many);
    const verdicts = fc.sample(fc.tuple(fc.nat(9000), fc.boolean()), { seed: 11, numRuns: 6500 });
    const lines = verdicts.map(([i, is_success], n) =>
      row(`t-${String(i).padStart(5, '0')}`, { is_success, category: `c${n}` }),
    );
    const importAnalysis = createAnalysisImport({ store, onImported: () => {} });
    const batches = async function* () {
      yield* pieces(jsonl(lines.slice(0, 5200)));
      yield* pieces(jsonl(lines.slice(5200)));
    };
    const result = await importAnalysis(batches());
    expect(result).toMatchObject({ imported_count: 6500, failed_count: 0 });
    expect(syncs()).toBe(1);
    const last = new Map(lines.map((line) => [line.trajectory_id, line]));
    expect(await analysis.countRows()).toBe(last.size);
    const stored = await analysis.query().select(['trajectory_id', 'category']).toArray();
    for (const { trajectory_id, category } of stored) {
      expect(category).toBe((last.get(trajectory_id) as { category?: string }).category);
    }
    const expected = many
      .filter((r) => last.get(r.trajectory_id)?.is_success ?? r.is_success)
      .map((r) => r.trajectory_id)
      .sort();
    expect(await successes()).toEqual(expected);
  });

  test('counts every fault and keeps a thousand of them', async () => {
    const { store, syncs } = await open([]);
    const importAnalysis = createAnalysisImport({ store, onImported: () => {} });
    const { errors, ...counts } = await importAnalysis(pieces('{}\n'.repeat(3000)));
    expect(counts).toEqual({ imported_count: 0, unmatched_count: 0, failed_count: 3000 });
    expect([errors.length, syncs()]).toEqual([1000, 0]);
  });

  test('is refused while four are under way, and admitted after', async () => {
    const { store } = await open([]);
    const importAnalysis = createAnalysisImport({ store, onImported: () => {} });
    const ends: (() => void)[] = [];
    async function* held() {
      await new Promise<void>((resolve) => ends.push(resolve));
      yield Buffer.from(jsonl([row('x')]));
    }
    const four = Array.from({ length: 4 }, () => importAnalysis(held()));
    await expect(importAnalysis(pieces(''))).rejects.toMatchObject({ code: 'ANALYSIS_IMPORTS_BUSY', kind: 'too_many' });
    while (ends.length < 4) await new Promise(setImmediate);
    for (const end of ends) end();
    expect((await Promise.all(four)).map((result) => result.imported_count)).toEqual([1, 1, 1, 1]);
    expect((await importAnalysis(pieces(jsonl([row('x')])))).imported_count).toBe(1);
  });

  test('whose bytes break off says so and keeps whole batches only', async () => {
    const { analysis, store } = await open([]);
    const importAnalysis = createAnalysisImport({ store, onImported: () => {} });
    async function* broken() {
      yield* pieces(jsonl(Array.from({ length: 5100 }, (_, i) => row(`x${i}`))));
      throw new Error('aborted');
    }
    await expect(importAnalysis(broken())).rejects.toMatchObject({ code: 'ANALYSIS_UPLOAD_BROKEN', kind: 'invalid' });
    expect(await analysis.countRows()).toBe(5000);
  });

  test('that crossed trajectories on their way into the table is settled by the next upkeep', async () => {
    const { table, store, clock, successes } = await open([makeRow(5, { is_success: false })]);
    expect(await store.repair()).toBe(0);
    await store.putBatch(new Map(Array.from({ length: 5000 }, (_, i) => [`x${i}`, verdict])));
    clock.pass(1);
    expect(await store.repair()).toBe(0);
    await store.putBatch(new Map(Array.from({ length: 5000 }, (_, i) => [`y${i}`, verdict])));
    await table.add([makeRow(0, { trajectory_id: 'x7', is_success: false })]);
    await store.put('t-00005', verdict);
    expect(await store.repair()).toBe(1);
    expect(await successes()).toEqual(['t-00005', 'x7']);
    await table.add([makeRow(1, { trajectory_id: 'y1', is_success: false })]);
    clock.pass(100);
    expect(await store.repair()).toBe(1);
    await table.add([makeRow(2, { trajectory_id: 'y2', is_success: false })]);
    expect(await store.repair()).toBe(0);
  });
});
