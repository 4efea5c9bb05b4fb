import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { createLogger } from '../../../src/logger.js';
import { createMetrics } from '../../../src/metrics/index.js';
import { canvasEndpoint, metricsRead } from '../../../src/metrics/summary/reading/reading.js';
import { RecentReadings } from '../../../src/metrics/summary/reading/recent-readings.js';
import { openTestApp } from '../../support/app.js';
import { clientOf } from '../../support/client.js';
import { temporaryFolder } from '../../support/folder.js';
import { startTestServer } from '../../support/server.js';
import { openTestMonitoring } from '../open-test-monitoring.js';

describe('GET /metrics/summary', () => {
  it('tells totals since the start, and rates and percentiles of the last five minutes', async () => {
    const { monitoring, clock, answer } = await openTestMonitoring();
    answer(200, 9, 100);
    await clock.advance(300_000);
    answer(200, 0.02, 90);
    answer(500, 0.3, 10);
    await clock.advance(60_000);
    const { api, window_seconds, uptime_seconds, ...summary } = await monitoring.summary();
    expect([window_seconds, uptime_seconds]).toEqual([300, 360]);
    expect(api).toMatchObject({ requests_total: 200, requests_per_second: 0.333, error_rate: 0.1 });
    expect(api.avg_latency_ms).toBeCloseTo(48, 5);
    expect(api.p50_latency_ms).toBeCloseTo(32.222, 2);
    expect(api.p95_latency_ms).toBeCloseTo(375, 5);
    expect(summary).toMatchObject({ api_requests_total: 200, error_rate: 0.1, concurrent_requests: 0 });
    expect(summary.avg_latency_ms).toBe(api.avg_latency_ms);
    expect(summary.timestamp).toBe('2026-01-01T00:06:00.000Z');
  });

  it('says null, not zero, of what was not measured', async () => {
    const { monitoring } = await openTestMonitoring();
    const summary = await monitoring.summary();
    expect(summary.api).toMatchObject({ avg_latency_ms: null, p95_latency_ms: null, requests_per_second: 0 });
    expect(summary.agents).toEqual({
      invocations_total: 0,
      avg_execution_time_s: null,
      p95_execution_time_s: null,
      by_type: {},
    });
    expect(summary.memory_system.temporal).toMatchObject({ queries_total: 0, avg_latency_ms: null });
    expect([summary.cache_hit_rate, summary.avg_latency_ms, summary.error_rate]).toEqual([null, 0, 0]);
  });

  it('keeps the time of models and imports out of the latency of requests', async () => {
    const { monitoring, answer, clock } = await openTestMonitoring();
    answer(200, 0.002, 10);
    answer(200, 60, 10, '/agents/invoke');
    answer(200, 60, 10, '/api/import/json');
    await clock.advance(5000);
    const { api } = await monitoring.summary();
    expect(api.requests_total).toBe(30);
    expect(api.p95_latency_ms).toBeLessThan(3);
  });

  it('tells agents by type, memories, caches, resources, flags and savings', async () => {
    const { monitoring, metrics, clock } = await openTestMonitoring();
    const agent = { type: 'agent_finished', canvasPath: 'a.canvas', isDryRun: false, isCached: false } as const;
    metrics.observeAgents({ ...agent, agent: 'memory-anchor', outcome: 'done', durationSeconds: 2, modelSeconds: 1 });
    metrics.observeAgents({ ...agent, agent: 'scoring-agent', outcome: 'done', durationSeconds: 4, modelSeconds: 1 });
    metrics.observeGraph({ type: 'answered', cache: 'miss', durationSeconds: 0.03 });
    const read = { type: 'read', outcome: 'served', variant: 'optimized', bytes: 10 } as const;
    for (const cache of ['miss', 'hit', 'hit', 'hit'] as const) metrics.observeCanvases({ ...read, cache });
    await clock.advance(5000);
    const summary = await monitoring.summary();
    expect(summary.agents).toMatchObject({
      invocations_total: 2,
      avg_execution_time_s: 3,
      by_type: { 'memory-anchor': { invocations_total: 1, avg_execution_time_s: 2 }, 'scoring-agent': {} },
    });
    expect(summary.memory_system.graphiti).toMatchObject({ queries_total: 1, avg_latency_ms: 30, reachable: true });
    expect(summary.caches.canvas_files).toEqual({ requests_total: 4, hits_total: 3, hit_rate: 0.75 });
    expect(summary.cache_hit_rate).toBe(0.75);
    expect(summary.resources).toMatchObject({
      cpu_ratio: 0.25,
      memory_ratio: 0.5,
      event_loop_delay_ms: 1.5,
      scheduler: { limit: 50, running: 2, waiting: 1 },
    });
    expect(summary.resources.resident_bytes).toBeGreaterThan(1e6);
    expect(summary.optimization_enabled).toEqual({ fast_json: true, query_cache: false });
    expect(summary.optimization_savings).toEqual({});
  });

  it('tells the size of the database and its growth a day, null while they are not known', async () => {
    const { monitoring, metrics } = await openTestMonitoring();
    const { database_bytes, database_growth_bytes_per_day } = (await monitoring.summary()).resources;
    expect([database_bytes, database_growth_bytes_per_day]).toEqual([null, null]);

    const dataDir = await temporaryFolder();
    const lanceUri = path.join(dataDir, 'lancedb');
    const store = async (table: string, size: number) => {
      await mkdir(path.join(lanceUri, table), { recursive: true });
      await writeFile(path.join(lanceUri, table, 'x'), Buffer.alloc(size));
    };
    await store('a.lance', 1000);
    await store('b.lance', 10);
    let at = 0;
    let look = () => {};
    const every = (_ms: number, task: () => void) => {
      look = task;
      return () => {};
    };
    const clock = { now: () => at, every };
    metrics.watchDatabase({ dataDir, lanceUri, slowQueryMs: 0, logger: createLogger('silent'), clock });
    const resources = async () => (await monitoring.summary()).resources;
    const patience = { timeout: 10_000 };
    await vi.waitFor(async () => expect(await resources()).toMatchObject({ database_bytes: 1010 }), patience);
    await store('b.lance', 20);
    at = 864_000;
    look();
    const grown = { database_bytes: 1020, database_growth_bytes_per_day: 1000 };
    await vi.waitFor(async () => expect(await resources()).toMatchObject(grown), patience);
  });

  it('is answered by its route, and takes no parameters', async () => {
    const { monitoring, answer } = await openTestMonitoring();
    answer(200, 0.001, 3);
    const server = await startTestServer(monitoring.routes);
    const received = await server.inject('/metrics/summary');
    expect([received.statusCode, received.headers['cache-control']]).toEqual([200, 'no-store']);
    expect(received.json()).toMatchObject({ api_requests_total: 3, api: { requests_total: 3 } });
    expect((await server.inject('/metrics/summary?x=1')).statusCode).toBe(400);
  });

  it('reads metrics that the registry has', async () => {
    const metrics = createMetrics('0.0.0');
    const known = metrics.describe().map(({ name }) => name);
    await metrics.close();
    for (const name of metricsRead) expect(known).toContain(name);
  });
});

describe('the service itself', () => {
  it('answers both, with a saving for each flag, and no alert while it idles', async () => {
    const { server } = await openTestApp();
    const { canvases, monitoring } = clientOf(server);
    await canvases.putCanvas({ params: { path: 'a.canvas' }, body: { nodes: [], edges: [] } });
    await server.inject('/canvas/a.canvas');
    await server.inject('/canvas/a.canvas?');
    const series = (await monitoring.getMetrics()).body.split('\n');
    const reads = `canvas_api_requests_total{method="GET",endpoint="${canvasEndpoint}",status="200"} 2`;
    expect(series).toContain(reads);
    const summary = (await monitoring.getMetricsSummary()).body;
    expect(summary.api_requests_total).toBeGreaterThanOrEqual(1);
    expect(summary.optimization_enabled.canvas_cache).toBe(true);
    expect(summary.optimization_savings.canvas_cache).toMatchObject({
      samples: expect.any(Number),
      distinguishable: false,
      unit: 'ms',
    });
    expect((await monitoring.getAlerts()).body).toEqual({ alerts: [], total: 0 });
  });
});

describe('recent readings', () => {
  it('hold no more than the longest window needs, and the start until there is more', async () => {
    const { metrics } = await openTestMonitoring();
    const { takeReading } = await import('../../../src/metrics/summary/reading/reading.js');
    const at = (atMs: number) => takeReading(metrics.readSeries, atMs);
    const recent = new RecentReadings(await at(0), 60_000);
    for (let atMs = 5000; atMs <= 30_000; atMs += 5000) recent.add(await at(atMs));
    expect(recent.before(30_000, 60_000).atMs).toBe(0);
    expect(recent.before(30_000, 10_000).atMs).toBe(20_000);
    expect(recent.before(30_000, 10_500).atMs).toBe(20_000);
    for (let atMs = 35_000; atMs <= 600_000; atMs += 5000) recent.add(await at(atMs));
    expect(recent.size).toBe(13);
    expect(recent.before(600_000, 60_000).atMs).toBe(540_000);
  });
});
