import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../../../src/logger.js';
import { readFrame } from '../../../src/metrics/history/frame.js';
import { type HistoryTable, openHistory } from '../../../src/metrics/history/history.js';
import { LimitChanges } from '../../../src/metrics/history/limit-changes.js';
import { openProcessReader } from '../../../src/metrics/history/process-readings.js';
import { readMetricNames } from '../../../src/metrics/history/series.js';
import { createMetrics } from '../../../src/metrics/index.js';
import { temporaryFolder } from '../../support/folder.js';
import { ManualClock } from '../../support/manual-clock.js';

const idle = { cpuRatio: 0.25, rssBytes: 1e8, heapBytes: 5e7, eventLoopP99Seconds: 0.002, eventLoopMaxSeconds: 0.004 };

/** A history of real metrics, on a clock that stands still. */
async function startHistory(given: { folder?: string; clock?: ManualClock; saves?: boolean } = {}) {
  const folder = given.folder ?? (await temporaryFolder());
  const clock = given.clock ?? new ManualClock();
  const metrics = createMetrics('0.0.0-test');
  onTestFinished(() => metrics.close());
  const lines: string[] = [];
  const limitChanges = new LimitChanges(() => clock.wall());
  const process = { read: () => idle, close() {} };
  const file = path.join(folder, 'history.bin');
  const history = await openHistory({
    file,
    read: (elapsed) => readFrame(metrics.readSeries, process, elapsed),
    limitChanges,
    logger: createLogger('info', { write: (line: string) => void lines.push(line) }),
    clock: given.saves === false ? { now: () => clock.now(), wall: () => clock.wall(), every: () => () => {} } : clock,
  });
  onTestFinished(history.close);
  return { history, metrics, clock, folder, file, lines, limitChanges };
}

/** The rows of a table by the names of their columns. */
const rowsOf = ({ columns, points }: HistoryTable) =>
  points.map((point) => Object.fromEntries(columns.map((column, place) => [column, point[place]])));

const request = (status: number, durationSeconds: number, endpoint = '/canvas/*') =>
  ({ type: 'answered', method: 'GET', endpoint, status, durationSeconds }) as const;

it('tells rates, shares and percentiles of what was counted between two samples', async () => {
  const { history, metrics, clock } = await startHistory();
  metrics.observeRequest(request(500, 1));
  await history.sample();
  for (let i = 0; i < 18; i++) metrics.observeRequest(request(200, 0.002));
  metrics.observeRequest(request(404, 0.04));
  metrics.observeRequest(request(503, 0.04));
  await clock.advance(4000);
  await history.sample();
  expect(rowsOf(history.table('15m'))).toEqual([
    expect.objectContaining({
      time: Date.UTC(2026, 0, 1) / 1000,
      requests_per_second: 5,
      client_errors_per_second: 0.25,
      server_errors_per_second: 0.25,
      error_ratio: 0.05,
      latency_mean_ms: 5.8,
      latency_bucket_2: 18,
      latency_bucket_5: 2,
      latency_bucket_13: 0,
      cpu: 0.25,
      'hit_ratio.canvas_files': null,
      'memory_ms.graphiti': null,
    }),
  ]);
  const [row] = rowsOf(history.table('15m'));
  expect(row?.latency_p50_ms).toBeCloseTo(1.833, 3);
  expect(row?.latency_p95_ms).toBeCloseTo(30, 3);
  expect(history.lastMinute()).toMatchObject({ requests_per_second: 5, error_ratio: 0.05 });
});

it('leaves the work of others out of the latency', async () => {
  const { history, metrics, clock } = await startHistory();
  await history.sample();
  metrics.observeRequest(request(200, 30, '/agents/invoke'));
  await clock.advance(2000);
  await history.sample();
  expect(rowsOf(history.table('15m'))[0]).toMatchObject({ requests_per_second: 0.5, latency_p95_ms: null });
});

it('keeps three ranges of time, each bounded, the same counts in all', async () => {
  const { history, metrics, clock } = await startHistory({ saves: false });
  await history.sample();
  for (let look = 0; look < 26 * 12; look++) {
    for (let i = 0; i < 3; i++) metrics.observeRequest(request(200, 0.001));
    await clock.advance(300_000);
    await history.sample();
  }
  const sizes = (['15m', '1h', '24h'] as const).map((range) => history.table(range).points.length);
  expect(sizes).toEqual([3, 12, 288]);
  for (const row of rowsOf(history.table('24h'))) expect(row.requests_per_second).toBeCloseTo(0.01, 5);
  expect(history.newest('24h')?.[0]).toBe(history.table('24h').points.at(-1)?.[0]);
});

it('goes on after a restart with what it had, and with a gap for the time away', async () => {
  const first = await startHistory();
  await first.history.sample();
  first.metrics.observeRequest(request(200, 0.001));
  first.limitChanges.observe({
    type: 'limit',
    limit: 25,
    previous: 50,
    reason: 'cpu',
    load: { cpu: 0.92 },
    waiting: 0,
    running: 3,
  });
  await first.clock.advance(5000);
  await first.history.sample();
  await first.history.close();
  await first.clock.advance(60_000);

  const second = await startHistory({ folder: first.folder, clock: first.clock });
  await second.history.sample();
  await second.clock.advance(5000);
  await second.history.sample();
  const rows = rowsOf(second.history.table('15m'));
  expect(rows.map(({ requests_per_second }) => requests_per_second)).toEqual([0.2, 0]);
  expect(Number(rows[1]?.time) - Number(rows[0]?.time)).toBe(65);
  expect(second.limitChanges.recent()).toMatchObject([{ limit: 25, previous: 50, reason: 'cpu', load: { cpu: 0.92 } }]);
});

it('writes its small file every minute, without being closed', async () => {
  const { history, clock, file } = await startHistory();
  await history.sample();
  await clock.advance(2000);
  await history.sample();
  await clock.advance(60_000);
  const size = async () => (await stat(file).catch(() => undefined))?.size ?? 0;
  await expect.poll(size, { timeout: 10_000 }).toBeGreaterThan(1000);
  expect((await stat(file)).size).toBeLessThan(300_000);
});

it.each([
  ['cut off', (content: Buffer) => content.subarray(0, content.length / 2)],
  ['empty', () => Buffer.alloc(0)],
  ['of another kind', () => Buffer.from('SQLite format 3\0 and more of it')],
  ['with one bit turned', (content: Buffer) => Buffer.from(content.map((byte, at) => (at === 200 ? byte ^ 1 : byte)))],
])('begins anew when its file is %s, and says so once', async (_, damage) => {
  const first = await startHistory();
  await first.history.sample();
  await first.clock.advance(5000);
  await first.history.sample();
  await first.history.close();
  await writeFile(first.file, damage(await readFile(first.file)));

  const second = await startHistory({ folder: first.folder, clock: first.clock });
  expect(second.history.table('15m').points).toEqual([]);
  expect(second.lines.filter((line) => line.includes('begins anew'))).toHaveLength(1);
  await second.history.close();
  const third = await startHistory({ folder: first.folder, clock: first.clock });
  expect(third.lines).toEqual([]);
});

it('goes on without its file when the folder cannot be written, and says so once', async () => {
  const { folder } = await startHistory();
  await writeFile(path.join(folder, 'no-folder'), '');
  const { history, clock, lines } = await startHistory({ folder: path.join(folder, 'no-folder') });
  await history.sample();
  await clock.advance(121_000);
  await history.sample();
  await history.close();
  expect(history.table('15m').points).toHaveLength(1);
  expect(lines.filter((line) => line.includes('cannot be written'))).toHaveLength(1);
});

it('reads the process: its share of the cores, its memory, how late the event loop is', () => {
  const reader = openProcessReader();
  onTestFinished(reader.close);
  const state = reader.read(1);
  expect(state.cpuRatio).toBeGreaterThanOrEqual(0);
  expect(state.cpuRatio).toBeLessThanOrEqual(1);
  expect(state.rssBytes).toBeGreaterThan(state.heapBytes);
  expect(state.eventLoopMaxSeconds).toBeGreaterThanOrEqual(state.eventLoopP99Seconds);
  expect(reader.read(0).cpuRatio).toBe(0);
});

it('reads metrics that there are, and none that forgets what it tells', async () => {
  const metrics = createMetrics('0.0.0-test');
  onTestFinished(() => metrics.close());
  const there = new Set(metrics.describe().map(({ name }) => name));
  expect(readMetricNames.filter((name) => !there.has(name))).toEqual([]);
  expect(readMetricNames.filter((name) => name.startsWith('nodejs_eventloop'))).toEqual([]);
});
