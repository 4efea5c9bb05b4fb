import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { startTestServer } from '../../support/server.js';
import { concurrencyRule, openTestMonitoring } from '../open-test-monitoring.js';

const rule = (keys: string) =>
  `rules:\n  X:\n${keys
    .split(', ')
    .map((key) => `    ${key}\n`)
    .join('')}    summary: <value> against <threshold>\n`;

describe('an alert', () => {
  it('fires once its condition has held for as long as the rule says, with the time it began', async () => {
    const rules = rule('measure: concurrent_requests, above: 10, for_seconds: 60, severity: warning');
    const { monitoring, clock, begin } = await openTestMonitoring({ rules });
    await clock.advance(20_000);
    begin(11);
    await clock.advance(60_000);
    expect(monitoring.alerts.active()).toEqual([]);
    await clock.advance(5000);
    expect(monitoring.alerts.active()).toEqual([
      {
        name: 'X',
        severity: 'warning',
        since: '2026-01-01T00:00:25.000Z',
        value: 11,
        threshold: 10,
        summary: '11 against 10',
        labels: {},
      },
    ]);
  });

  it('begins to wait anew when its condition lapses', async () => {
    const rules = rule('measure: concurrent_requests, above: 10, for_seconds: 30, severity: warning');
    const { firing, clock, begin, answer, metrics } = await openTestMonitoring({ rules });
    begin(11);
    await clock.advance(25_000);
    metrics.observeRequest({ type: 'answered', method: 'GET', endpoint: '/', status: 200, durationSeconds: 1 });
    await clock.advance(5000);
    begin(1);
    await clock.advance(30_000);
    expect(firing()).toEqual([]);
    await clock.advance(5000);
    expect(firing()).toEqual(['X']);
    answer(200, 1, 5);
    expect(firing()).toEqual(['X']);
  });

  it('goes on until the value is back past the way back, and must then pass the threshold again', async () => {
    const rules = rule('measure: concurrent_requests, above: 10, clear: 5, for_seconds: 0, severity: warning');
    const { firing, clock, begin, metrics } = await openTestMonitoring({ rules });
    const end = (times: number) => {
      for (let i = 0; i < times; i++)
        metrics.observeRequest({ type: 'answered', method: 'GET', endpoint: '/', status: 200, durationSeconds: 1 });
    };
    const seen: number[] = [];
    for (const change of [11, -5, 4, -4, -1, 3, 3]) {
      if (change > 0) begin(change);
      else end(-change);
      await clock.advance(5000);
      seen.push(firing().length);
    }
    // 11, 6, 10, 6, 5, 8, 11
    expect(seen).toEqual([1, 1, 1, 1, 0, 0, 1]);
  });

  it('is not judged by too few events, nor by none', async () => {
    const rules = rule(
      'measure: api_error_ratio, above: 0.5, for_seconds: 0, window_seconds: 60, min_count: 10, severity: critical',
    );
    const { firing, clock, answer } = await openTestMonitoring({ rules });
    await clock.advance(5000);
    answer(500, 0.1, 9);
    await clock.advance(5000);
    expect(firing()).toEqual([]);
    answer(503, 0.1, 1);
    await clock.advance(5000);
    expect(firing()).toEqual(['X']);
    await clock.advance(60_000);
    expect(firing()).toEqual([]);
  });

  it('is looked for under some labels alone when the rule says so', async () => {
    const rules = rule(
      'measure: optimization_rolled_back, only: {flag: fast_json}, above: 0, for_seconds: 0, severity: info',
    );
    const { firing, metrics, clock } = await openTestMonitoring({ rules });
    metrics.observeFlags({ type: 'rolled_back', flag: 'query_cache', cause: 'mismatch', isNew: true });
    await clock.advance(5000);
    expect(firing()).toEqual([]);
    metrics.observeFlags({ type: 'rolled_back', flag: 'fast_json', cause: 'mismatch', isNew: true });
    await clock.advance(5000);
    expect(firing()).toEqual(['X']);
  });

  it('is kept apart by labels, the worst and oldest first', async () => {
    const rules = `${rule('measure: config_good, below: 1, for_seconds: 0, severity: info')}  Y:
    measure: optimization_rolled_back
    above: 0
    for_seconds: 0
    severity: critical
    summary: <flag> is off
`;
    const { monitoring, metrics, clock } = await openTestMonitoring({ rules });
    metrics.observeFlags({ type: 'config_read', result: 'invalid' });
    await clock.advance(5000);
    for (const flag of ['query_cache', 'fast_json'] as const) {
      metrics.observeFlags({ type: 'rolled_back', flag, cause: 'mismatch', isNew: true });
    }
    await clock.advance(5000);
    expect(monitoring.alerts.active().map(({ name, labels, summary }) => [name, labels, summary])).toEqual([
      ['Y', { flag: 'query_cache' }, 'query_cache is off'],
      ['Y', { flag: 'fast_json' }, 'fast_json is off'],
      ['X', { file: 'optimization' }, '0 against 1'],
    ]);
  });
});

describe('the delivered rules', () => {
  it('fire nothing for a healthy service that idles, nor for one that works', async () => {
    const { firing, clock, answer, metrics, lines } = await openTestMonitoring();
    for (let minute = 0; minute < 20; minute++) {
      if (minute > 5) {
        answer(200, 0.004, 100);
        answer(404, 0.001, 10);
        const read = { type: 'read', outcome: 'served', variant: 'optimized', bytes: 10 } as const;
        for (let i = 0; i < 20; i++) metrics.observeCanvases({ ...read, cache: i === 0 ? 'miss' : 'hit' });
      }
      await clock.advance(60_000);
      expect(firing()).toEqual([]);
    }
    expect(lines()).toEqual([]);
  });

  it('tell of slow and failing requests, a crowd, a cold cache, slow agents and memories', async () => {
    const { firing, clock, answer, begin, metrics } = await openTestMonitoring();
    begin(101);
    const agent = { type: 'agent_finished', canvasPath: 'a.canvas', isDryRun: false, isCached: false } as const;
    const read = { type: 'read', outcome: 'served', variant: 'optimized', bytes: 10 } as const;
    for (let minute = 0; minute < 32; minute++) {
      answer(500, 2, 10);
      answer(200, 0.01, 90);
      for (let i = 0; i < 20; i++) {
        metrics.observeCanvases({ ...read, cache: i % 4 === 0 ? 'miss' : 'hit' });
        metrics.observeGraph({ type: 'answered', cache: 'miss', durationSeconds: 0.7 });
        metrics.observeCanvasSearch({ type: 'searched', durationSeconds: 0.45, results: 1 });
        metrics.observeAgents({
          ...agent,
          agent: 'scoring-agent',
          outcome: 'done',
          durationSeconds: 20,
          modelSeconds: 1,
        });
      }
      await clock.advance(60_000);
    }
    expect(firing().sort()).toEqual([
      'AgentSlow',
      'ApiLatencyHigh',
      'CanvasCacheHitRatioLow',
      'CanvasReadSlow',
      'ConcurrencyHigh',
      'ErrorRateHigh',
      'MemoryQuerySlow',
      'SemanticSearchSlow',
    ]);
  });

  it('tell of a memory that is away, a full disk, a full writer, a mismatch, a rollback and a bad configuration', async () => {
    const { firing, clock, metrics, folder } = await openTestMonitoring({ lostMemory: 'temporal' });
    metrics.watchWrites(() => ({ writes: 10, bytes: 200_000_000 }));
    metrics.observeFlags({ type: 'compared', flag: 'fast_json', result: 'mismatch', difference: 'x' });
    metrics.observeFlags({ type: 'rolled_back', flag: 'fast_json', cause: 'mismatch', isNew: true });
    metrics.observeFlags({ type: 'config_read', result: 'invalid' });
    metrics.watchDatabase({
      slowQueryMs: 0,
      dataDir: folder,
      lanceUri: path.join(folder, 'lancedb'),
      logger: { warn() {} } as never,
      readSpace: async () => ({ freeBytes: 1000, totalBytes: 1e9 }),
    });
    await clock.advance(120_000);
    expect(firing().sort()).toEqual([
      'ConfigReloadFailed',
      'DiskAlmostFull',
      'DiskFull',
      'MemorySystemDown',
      'OptimizationMismatch',
      'OptimizationRolledBack',
      'WriterBacklog',
    ]);
  });
});

describe('GET /metrics/alerts', () => {
  it('lists what fires, and how many', async () => {
    const { monitoring, clock, begin } = await openTestMonitoring({ rules: concurrencyRule() });
    const server = await startTestServer(monitoring.routes);
    expect((await server.inject('/metrics/alerts')).json()).toEqual({ alerts: [], total: 0 });
    begin(20);
    await clock.advance(5000);
    const answer = await server.inject('/metrics/alerts');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.json()).toMatchObject({ alerts: [{ name: 'ConcurrencyHigh', value: 20 }], total: 1 });
    expect((await server.inject('/metrics/alerts?all=1')).statusCode).toBe(400);
  });
});

describe('the rules while the service runs', () => {
  it('follow the file within two seconds, keep what fires, and end what a rule that is gone had begun', async () => {
    const { firing, clock, begin, write, monitoring, lines } = await openTestMonitoring({ rules: concurrencyRule() });
    begin(20);
    await clock.advance(5000);
    const [before] = monitoring.alerts.active();
    write(concurrencyRule().replace('above: 10', 'above: 15'));
    await clock.advance(7000);
    expect(monitoring.alerts.active()).toEqual([{ ...before, threshold: 15 }]);
    write(concurrencyRule('    enabled: false\n'));
    await clock.advance(7000);
    expect(firing()).toEqual([]);
    expect(lines().map(({ msg }) => msg)).toEqual(['alert', 'alert is over']);
  });

  it.each([
    ['nonsense', 'rules: ['],
    ['an unknown key', concurrencyRule('    abvoe: 1\n')],
    ['nothing', ''],
  ])('stay as they were when the file becomes %s; one line and an alert say so', async (_what, text) => {
    const withReload = `${concurrencyRule()}  ConfigReloadFailed:\n    measure: config_good\n    below: 1\n    for_seconds: 0\n    severity: warning\n    summary: <file>\n`;
    const { firing, clock, begin, write, lines, series } = await openTestMonitoring({ rules: withReload });
    write(text);
    begin(20);
    await clock.advance(30_000);
    expect(firing()).toEqual(['ConcurrencyHigh', 'ConfigReloadFailed']);
    expect(lines().filter(({ msg }) => String(msg).startsWith('alert rules refused'))).toHaveLength(1);
    expect(await series('canvas_alert_config_reload_success')).toEqual(['canvas_alert_config_reload_success 0']);
    write(withReload);
    await clock.advance(7000);
    expect(firing()).toEqual(['ConcurrencyHigh']);
  });

  it('stay when the file is deleted, and a reload by hand says why it failed', async () => {
    const { firing, clock, begin, rulesFile, monitoring } = await openTestMonitoring({ rules: concurrencyRule() });
    rmSync(rulesFile);
    begin(20);
    await clock.advance(10_000);
    expect(firing()).toEqual(['ConcurrencyHigh']);
    expect(() => monitoring.reload()).toThrow('expected a file, got none');
  });

  it('are none without a file at the start, and come with it', async () => {
    const { firing, clock, begin, write, lines } = await openTestMonitoring({ rules: null });
    begin(20);
    await clock.advance(10_000);
    expect([firing(), lines().map(({ msg }) => msg)]).toEqual([[], ['no alert rules; nothing is watched']]);
    write(concurrencyRule());
    await clock.advance(7000);
    expect(firing()).toEqual(['ConcurrencyHigh']);
  });

  it('are only that they are bad, when they are bad at the start', async () => {
    const { firing, clock, begin } = await openTestMonitoring({ rules: 'rules: 7' });
    begin(1000);
    await clock.advance(10_000);
    expect(firing()).toEqual(['ConfigReloadFailed']);
  });
});

describe('what is told of alerts', () => {
  it('is a line in the log, a line in the file, and metrics', async () => {
    const { folder, clock, begin, answer, lines, series, metrics } = await openTestMonitoring({
      rules: concurrencyRule(),
    });
    begin(20);
    await clock.advance(5000);
    expect(await series('canvas_alerts_firing')).toContain('canvas_alerts_firing{severity="warning"} 1');
    for (let i = 0; i < 20; i++) {
      metrics.observeRequest({ type: 'answered', method: 'GET', endpoint: '/', status: 200, durationSeconds: 1 });
    }
    await clock.advance(5000);
    expect(await series('canvas_alerts_firing')).toContain('canvas_alerts_firing{severity="warning"} 0');
    answer(200, 1);
    const told = {
      level: 'warn',
      msg: 'alert',
      alert: 'ConcurrencyHigh',
      severity: 'warning',
      value: 20,
      threshold: 10,
    };
    expect(lines()).toMatchObject([told, { level: 'info', msg: 'alert is over', alert: 'ConcurrencyHigh' }]);
    const written = await fileLines(path.join(folder, 'alerts.jsonl'), 2);
    expect(written.map((line) => JSON.parse(line))).toMatchObject([
      { time: '2026-01-01T00:00:05.000Z', event: 'firing', name: 'ConcurrencyHigh', summary: '20 requests at once' },
      { time: '2026-01-01T00:00:10.000Z', event: 'resolved', name: 'ConcurrencyHigh' },
    ]);
    expect(await series('canvas_alert_notifications_total')).toContain(
      'canvas_alert_notifications_total{channel="log",outcome="sent"} 2',
    );
  });

  it('is told from the severity on that a channel wants, and not where it is switched off', async () => {
    const channels = 'channels:\n  log: {min_severity: critical}\n  file: {enabled: false}\n';
    const { clock, begin, firing, lines, series } = await openTestMonitoring({ rules: concurrencyRule(channels) });
    begin(20);
    await clock.advance(5000);
    expect([firing(), lines()]).toEqual([['ConcurrencyHigh'], []]);
    expect(await series('canvas_alert_notifications_total')).toEqual([]);
  });
});

/** The lines of a file, as soon as there are so many. */
async function fileLines(file: string, count: number): Promise<string[]> {
  for (;;) {
    let text = '';
    try {
      text = readFileSync(file, 'utf8');
    } catch {
      // Not written yet.
    }
    const lines = text.split('\n').slice(0, -1);
    if (lines.length >= count) return lines;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
