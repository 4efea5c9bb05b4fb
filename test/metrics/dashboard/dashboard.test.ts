import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliDecompressSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { flagEffects } from '../../../src/metrics/dashboard/flag-effects.js';
import { type Snapshot, snapshotSchema } from '../../../src/metrics/dashboard/snapshot.js';
import { readMetrics } from '../../../src/metrics/history/readings.js';
import { readMetricNames } from '../../../src/metrics/history/series.js';
import { flagNames } from '../../../src/optimizations/index.js';
import { madeUpSources, openStage, playTraffic, type Stage } from './stage.js';

/** Opens the stream of a listening stage; `next` waits for one more snapshot. */
async function openStream(origin: string) {
  const request = get(`${origin}/dashboard/events`);
  onTestFinished(() => void request.destroy());
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  answer.on('error', () => {});
  const parts = answer.setEncoding('utf8')[Symbol.asyncIterator]();
  let waiting = '';
  const next = async (): Promise<Snapshot> => {
    for (;;) {
      const end = waiting.indexOf('\n\n');
      if (end === -1) {
        const { value, done } = await parts.next();
        if (done) throw new Error('the stream has ended');
        waiting += value;
        continue;
      }
      const data = /^data: (.*)$/m.exec(waiting.slice(0, end))?.[1];
      waiting = waiting.slice(end + 2);
      if (data !== undefined) return JSON.parse(data);
    }
  };
  return { next, leave: () => request.destroy() };
}

async function listen({ server }: Stage): Promise<string> {
  await server.listen({ host: '127.0.0.1', port: 0 });
  return `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
}

describe('the page', () => {
  it('and every file that it names are served, kept by their ETag, and may load nothing from elsewhere', async () => {
    const { server } = await openStage();
    const page = await server.inject('/dashboard');
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    const files = [...page.body.matchAll(/(?:href|src)="(\/dashboard\/[^"]+)"/g)].map(([, url]) => url as string);
    expect(files.length).toBeGreaterThan(12);
    let all = page.rawPayload.length;
    for (const url of ['/dashboard', ...files]) {
      const file = await server.inject(url);
      expect([url, file.statusCode]).toEqual([url, 200]);
      expect(file.headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'");
      const packed = await server.inject({ url, headers: { 'accept-encoding': 'gzip, br' } });
      expect(packed.headers['content-encoding']).toBe('br');
      expect(brotliDecompressSync(packed.rawPayload).equals(file.rawPayload)).toBe(true);
      const again = await server.inject({ url, headers: { 'if-none-match': String(file.headers.etag) } });
      expect([again.statusCode, again.body]).toEqual([304, '']);
      expect(file.body).not.toMatch(/https?:\/\/(?!www\.w3\.org|github\.com)/);
      if (url !== '/dashboard') all += file.rawPayload.length;
    }
    expect(all).toBeLessThan(300_000);
    expect(page.body).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|style="/);
  });

  it.each(['/dashboard/nothing.js', '/dashboard/..%2fsnapshot.js', '/dashboard/%2e%2e', '/dashboard/__proto__'])(
    'has no file %s',
    async (url) => {
      const { server } = await openStage();
      expect((await server.inject(url)).statusCode).toBe(404);
    },
  );

  it('loads without the token that its figures need', async () => {
    const { server } = await openStage({ server: { apiToken: 'secret-token' } });
    for (const url of ['/dashboard', '/dashboard/dashboard.js', '/dashboard/uPlot.iife.min.js']) {
      expect((await server.inject(url)).statusCode).toBe(200);
    }
    for (const url of ['/dashboard/events', '/dashboard/history']) {
      expect((await server.inject(url)).statusCode).toBe(401);
    }
    const headers = { authorization: 'Bearer secret-token' };
    expect((await server.inject({ url: '/dashboard/history', headers })).statusCode).toBe(200);
  });
});

describe('the past', () => {
  it('is a table of a range, and a range that there is not is refused', async () => {
    const stage = await openStage();
    await playTraffic(stage, 10);
    const table = (await stage.server.inject('/dashboard/history?range=1h')).json();
    expect(table).toMatchObject({ range: '1h', step_seconds: 20 });
    expect(table.points).toHaveLength(2);
    expect(table.points[0]).toHaveLength(table.columns.length);
    for (const query of ['range=2h', 'range=', 'x=1', 'range=1h&range=24h']) {
      expect((await stage.server.inject(`/dashboard/history?${query}`)).statusCode).toBe(400);
    }
  });
});

describe('the stream', () => {
  it('begins with how things are, and tells all viewers the same snapshots', async () => {
    const stage = await openStage();
    const origin = await listen(stage);
    const [one, other] = [await openStream(origin), await openStream(origin)];
    const first = await one.next();
    expect(await other.next()).toEqual(first);
    snapshotSchema.parse(first);
    await playTraffic(stage, 1);
    const second = await one.next();
    expect(await other.next()).toEqual(second);
    expect(second.now.requests_per_second).toBe(10);
    expect(Object.keys(second.points)).toEqual(['15m', '1h', '24h']);
    expect(second.flags.query_cache).toMatchObject({ enabled: false, reason: 'off: 2 mismatches within 60 s' });
    expect(second.memories).toContainEqual({
      type: 'temporal',
      reachable: null,
      queries: 0,
      mean_ms: null,
      p95_ms: null,
    });
  });

  it('says what is missing as null in a service without alerts and savings', async () => {
    const { alerts: _, savings: __, sampleRate: ___, ...sources } = madeUpSources();
    const stage = await openStage({ sources });
    const stream = await openStream(await listen(stage));
    expect(await stream.next()).toMatchObject({ alerts: null, savings: null, sample_rate: null });
  });

  it('is bounded: one viewer too many is told to come later, and a place is free when one leaves', async () => {
    const stage = await openStage();
    const origin = await listen(stage);
    const viewers = await Promise.all(Array.from({ length: 3 }, () => openStream(origin)));
    const refused = await stage.server.inject('/dashboard/events');
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '30']);
    expect(refused.json()).toMatchObject({ code: 'DASHBOARD_VIEWERS_FULL' });
    viewers[0]?.leave();
    const knock = async () => (await stage.server.inject({ method: 'HEAD', url: '/dashboard/events' })).statusCode;
    await expect.poll(knock, { timeout: 10_000 }).toBe(200);
    expect(await knock()).toBe(200);
  });

  it('ends when the service stops', async () => {
    const stage = await openStage();
    const stream = await openStream(await listen(stage));
    await stream.next();
    const ended = expect(stream.next()).rejects.toThrow('ended');
    await stage.close();
    await ended;
  });

  it('shows agents by type, and the reasons of the scheduler', async () => {
    const stage = await openStage();
    const ran = { agent: 'scoring-agent', durationSeconds: 2, modelSeconds: 1.5 } as const;
    stage.metrics.observeAgents({ type: 'agent_ended', ...ran, outcome: 'done' } as never);
    stage.metrics.observeAgents({ type: 'agent_ended', ...ran, outcome: 'failed', error: 'model' } as never);
    const load = { cpu: 0.92 };
    const change = { limit: 25, previous: 50, reason: 'cpu', load } as const;
    stage.metrics.observeScheduler({ type: 'limit', ...change, waiting: 0, running: 1 });
    const stream = await openStream(await listen(stage));
    await stream.next();
    await stage.look();
    const { agents, scheduler } = await stream.next();
    expect(agents).toMatchObject([{ type: 'scoring-agent', calls: 2, failed: 1, mean_ms: 2000 }]);
    expect(scheduler).toMatchObject({ limit: 25, reason: 'cpu', upstreams: { model: { limit: 8 } } });
    expect(scheduler.changes).toMatchObject([change]);
  });

  it('makes no snapshot while nobody looks, and one for all who do', async () => {
    const sources = madeUpSources();
    let asked = 0;
    const { flags } = sources;
    const stage = await openStage({
      sources: {
        ...sources,
        flags() {
          asked += 1;
          return flags();
        },
      },
    });
    await playTraffic(stage, 5);
    expect(asked).toBe(0);
    const origin = await listen(stage);
    const [one, other] = [await openStream(origin), await openStream(origin)];
    await Promise.all([one.next(), other.next()]);
    await stage.look();
    await Promise.all([one.next(), other.next()]);
    expect(asked).toBe(2);
  });

  it('survives a source that breaks', async () => {
    const sources = madeUpSources();
    let breaks = true;
    const flags = sources.flags;
    const stage = await openStage({
      sources: {
        ...sources,
        flags() {
          if (breaks) throw new Error('not now');
          return flags();
        },
      },
    });
    const stream = await openStream(await listen(stage));
    await stage.look();
    breaks = false;
    await stage.look();
    expect((await stream.next()).flags.all).toMatchObject({ enabled: true });
  });
});

describe('what an optimisation was seen to do', () => {
  it('is read from the counters: writes saved, hit ratios, what fell back', async () => {
    const { metrics } = await openStage();
    const variant = 'optimized' as const;
    const write = { type: 'file_write', operation: 'replace', outcome: 'stored', variant } as const;
    metrics.observeCanvases({ ...write, requests: 7, bytes: 10, durationSeconds: 0.01 });
    metrics.observeCanvases({ ...write, requests: 3, bytes: 10, durationSeconds: 0.01 });
    metrics.observeCaches({ type: 'asked', cache: 'memory_results', tier: 'l2' });
    metrics.observeCaches({ type: 'asked', cache: 'memory_results', tier: 'none' });
    for (const texts of [30, 10]) {
      const call = {
        type: 'called',
        provider: 'builtin',
        variant: 'batched',
        outcome: 'ok',
        texts,
        tokens: 9,
      } as const;
      metrics.observeEmbeddings({ ...call, durationSeconds: 0.1 });
    }
    metrics.observeImports({ type: 'batch_committed', variant: 'batch', rows: 2000, durationSeconds: 0.1 });
    const effects = flagEffects(flagNames, await readMetrics(metrics.readSeries, readMetricNames));
    expect(effects.batch_writer).toEqual([
      { label: 'writes saved', value: 8, unit: 'count' },
      { label: 'of all', value: 0.8, unit: 'ratio' },
    ]);
    expect(effects.graph_cache?.[0]).toEqual({ label: 'hit ratio', value: 0.5, unit: 'ratio' });
    expect(effects.l2_cache).toEqual([{ label: 'answers from the file', value: 1, unit: 'count' }]);
    expect(effects.batch_import?.[0]).toEqual({ label: 'commits saved', value: 1999, unit: 'count' });
    expect(effects.batch_embedding?.[1]).toEqual({ label: 'texts a call', value: 20, unit: 'count' });
    expect(effects.canvas_cache).toEqual([]);
    expect(effects.fast_json).toEqual([]);
    expect(Object.keys(effects)).toEqual(flagNames);
  });
});
