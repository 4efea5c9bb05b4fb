import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { KnownJson } from '../../src/canvases/document/json-bytes.js';
import { CachedReader } from '../../src/canvases/reading/canvas-reader.js';
import { PartitionedEventReader } from '../../src/memory/events/reading/event-reader.js';
import { type FlagName, flagNames } from '../../src/optimizations/index.js';
import { openTestApp, type TestApp } from '../support/app.js';
import { clientOf } from '../support/client.js';

const always = 'verification: {sample_rate: 1, max_waiting: 1000, max_time_ratio: 1, max_load_ratio: 1}\n';
const never = 'verification: {sample_rate: 0}\n';
const canvasText = (name: string, nodes: number) =>
  JSON.stringify({
    nodes: Array.from({ length: nodes }, (_, i) => ({
      id: `${name}-${i}`,
      type: 'text',
      text: `节点 ${i}`,
      x: i,
      y: 0,
      width: 9,
      height: 9,
    })),
    edges: [],
  });

/** Twenty canvases and sixty trajectories, a third of them with an analysis, and some learning events. */
async function fill({ server, vault }: TestApp): Promise<void> {
  const { trajectories, analysis, memory } = clientOf(server);
  await mkdir(path.join(vault, 'notes'), { recursive: true });
  for (let i = 0; i < 20; i++) await writeFile(path.join(vault, `notes/c${i}.canvas`), canvasText(`c${i}`, 20 + i));
  const lines = Array.from({ length: 60 }, (_, i) =>
    JSON.stringify({
      trajectory_id: `t-${i}`,
      data_id: `q-${i % 7}`,
      agent_name: `Agent${'ABC'[i % 3]}`,
      reward: (i % 5) / 4,
      task: { question: `第${i}题` },
      created_at: 1_760_000_000 + i,
    }),
  );
  const headers = { 'content-type': 'application/x-ndjson' };
  await trajectories.importStream({ query: { wait: true }, headers, body: lines.join('\n') });
  const verdicts = Array.from({ length: 20 }, (_, i) =>
    JSON.stringify({
      trajectory_id: `t-${3 * i}`,
      is_success: i % 2 === 0,
      category: `类别${i % 3}`,
      root_cause: 'x',
      suggestion: '',
    }),
  );
  await analysis.importAnalysis({ headers, body: verdicts.join('\n') });
  const timestamp = new Date(Date.now() - 3_600_000).toISOString();
  const events = Array.from({ length: 20 }, (_, i) => ({
    event_type: `kind-${i % 3}`,
    canvas_path: `notes/c${i}.canvas`,
    timestamp,
  }));
  await memory.addLearningEvents({ body: { events } });
}

const lists = [
  '/api/trajectories?pageSize=10',
  '/api/trajectories?page=2&pageSize=7&sort_by=reward&sort_order=asc',
  '/api/trajectories?agent_name=AgentB&reward_min=0.3',
  '/api/trajectories?search=t-1&fields=trajectory_id,category',
  '/api/trajectories/t-3',
  '/api/trajectories/none',
  '/memory/events?range=7d&event_type=kind-0',
  '/memory/events?range=30d&event_type=kind-1',
  '/canvas?limit=5',
  '/api/trajectories?page=0',
];
const requests = [...Array(200).keys()].map((i) =>
  i % 10 === 0 ? lists[(i / 10) % lists.length] : `/canvas/notes%2Fc${i % 21}.canvas`,
) as string[];

/** Everything that a client goes by, but not what says how the answer was made. */
async function answers({ server }: TestApp): Promise<string[]> {
  const answer = async (url: string) => {
    const { statusCode, headers, body } = await server.inject(url);
    return `${url} ${statusCode} ${headers.etag} ${headers['content-type']} ${body.replaceAll(/"instance":"[^"]*"/g, '')}`;
  };
  return Promise.all(requests.map((url) => answer(url)));
}

const isThere = <T>(flag: T | undefined): T => flag ?? expect.unreachable('the service has no such flag');
const set = async ({ server }: TestApp, name: FlagName | 'all', enabled: boolean) =>
  isThere((await clientOf(server).admin.setFlag({ params: { name }, body: { enabled } })).body.flags[name]);
const stateOf = async ({ server }: TestApp, flag: FlagName) =>
  isThere((await clientOf(server).admin.listFlags()).body.flags[flag]);

describe('a flip of a flag', () => {
  it('leaves 200 mixed requests as they were, whichever flag it is', async () => {
    const app = await openTestApp({ flags: never });
    await fill(app);
    const before = await answers(app);
    expect(before.filter((answer) => / 200 /.test(answer)).length).toBeGreaterThan(180);
    for (const flag of ['all', ...flagNames] as const) {
      expect((await set(app, flag, false)).effective).toBe(false);
      const now = await answers(app);
      expect({ flag, others: now.filter((answer, i) => answer !== before[i]) }).toEqual({ flag, others: [] });
      await set(app, flag, true);
    }
  }, 60_000);

  it('by the API is live for the next request, and by the file within two seconds', async () => {
    const app = await openTestApp({ flags: never });
    await fill(app);
    const status = async () => (await app.server.inject('/canvas/notes%2Fc1.canvas')).headers['cache-status'];
    await status();
    expect(await status()).toContain('hit');
    await set(app, 'canvas_cache', false);
    expect(await status()).toContain('bypass');
    const written = await readFile(app.flagsFile, 'utf8');
    await writeFile(app.flagsFile, written.replace('enabled: false', 'enabled: true'));
    const editedAt = performance.now();
    await vi.waitFor(async () => expect((await stateOf(app, 'canvas_cache')).effective).toBe(true), {
      timeout: 5000,
      interval: 20,
    });
    expect(performance.now() - editedAt).toBeLessThan(2000);
  });
});

/** A way to break an optimised path, who notices, and what shows it. */
interface Fault {
  name: string;
  flag: FlagName;
  url: string;
  reason: RegExp;
  inject(): void;
}

const faults: Fault[] = [
  {
    name: 'a cache that gives other bytes',
    flag: 'canvas_cache',
    url: '/canvas/notes%2Fc1.canvas',
    reason: /turned off by auto_rollback .* wrong answer.*differing from byte/,
    inject() {
      const real = CachedReader.prototype.hit;
      vi.spyOn(CachedReader.prototype, 'hit').mockImplementation(function (this: CachedReader, text) {
        const canvas = real.call(this, text);
        return canvas && { ...canvas, bytes: Buffer.from(canvas.bytes.toString().replace('节点 3', '节点 4')) };
      });
    },
  },
  {
    name: 'a cache that throws',
    flag: 'canvas_cache',
    url: '/canvas/notes%2Fc4.canvas',
    reason: /failures in \d+ uses/,
    inject() {
      for (const way of ['hit', 'read'] as const) {
        vi.spyOn(CachedReader.prototype, way).mockImplementation(() => {
          throw new Error('broken');
        });
      }
    },
  },
  {
    name: 'bytes that are cut off',
    flag: 'fast_json',
    url: '/canvas/notes%2Fc3.canvas',
    reason: /wrong answer.*100 bytes against/,
    inject() {
      vi.spyOn(KnownJson.prototype, 'encode').mockImplementation((bytes) => bytes.subarray(0, 100));
    },
  },
  {
    name: 'a reader of partitions that loses events',
    flag: 'temporal_partitions',
    url: '/memory/events?range=7d&event_type=kind-0',
    reason: /wrong answer.*6 events against 7/,
    inject() {
      const real = PartitionedEventReader.prototype.read;
      const read = async function (this: PartitionedEventReader, query: Parameters<typeof real>[0]) {
        const page = await real.call(this, query);
        return { ...page, texts: page.texts.slice(1) };
      };
      vi.spyOn(PartitionedEventReader.prototype, 'read').mockImplementation(read);
    },
  },
];

it('an injected fault turns its flag off within ten seconds, and nothing wrong is served after', async () => {
  const app = await openTestApp({ flags: always });
  await fill(app);
  onTestFinished(() => void vi.restoreAllMocks());
  for (const { name, flag, url, reason, inject } of faults) {
    const text = async () => (await app.server.inject(url)).body;
    const right = await text();
    inject();
    const startedAt = performance.now();
    let wrong = 0;
    while ((await stateOf(app, flag)).effective && performance.now() - startedAt < 10_000) {
      if ((await text()) !== right) wrong += 1;
      await new Promise(setImmediate);
    }
    expect({ name, isOff: !(await stateOf(app, flag)).effective }).toEqual({ name, isOff: true });
    expect((await stateOf(app, flag)).reason, name).toMatch(reason);
    expect(await readFile(app.flagsFile, 'utf8')).toContain(`${flag}:\n  enabled: false\n`);
    expect(wrong > 0, name).toBe(name !== 'a cache that throws');
    for (let i = 0; i < 50; i++) expect(await text(), name).toBe(right);
    vi.restoreAllMocks();
    await clientOf(app.server).admin.clearCache({ body: { cache: 'all' } });
    expect((await set(app, flag, true)).effective).toBe(true);
  }
});

it('what the flags save is in /metrics and in /metrics/summary', async () => {
  const app = await openTestApp({ flags: always });
  await fill(app);
  const { canvases, trajectories, monitoring } = clientOf(app.server);
  let page = 0;
  await vi.waitFor(
    async () => {
      for (let i = 0; i < 5; i++) {
        page += 1;
        await canvases.getCanvas({ params: { path: 'notes/c1.canvas' } });
        await trajectories.listTrajectories({ query: { pageSize: 5, page } });
      }
      const { optimization_savings: savings } = (await monitoring.getMetricsSummary()).body;
      expect(savings.canvas_cache?.samples).toBeGreaterThan(10);
      // Its answers are looked at, and timed as often as that may cost: seldom on a busy machine.
      expect(savings.native_query?.samples).toBeGreaterThan(2);
      expect(savings.batch_import).toMatchObject({ unit: 'commits', saved_ms: 59 });
      for (const { comparisons } of Object.values(savings)) {
        expect(comparisons).toMatchObject({ mismatch: 0, failed: 0 });
      }
    },
    { timeout: 30_000, interval: 20 },
  );
  const text = (await monitoring.getMetrics()).body;
  expect(text).toMatch(/canvas_optimization_comparisons_total\{flag="canvas_cache",result="equal"\} \d\d/);
  expect(text).toContain('canvas_optimization_compared_seconds_count{flag="canvas_cache",variant="baseline"}');
  expect(text).toContain('canvas_optimization_rolled_back{flag="canvas_cache"} 0');
});
