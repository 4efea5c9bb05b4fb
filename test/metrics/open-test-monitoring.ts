import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { createLogger } from '../../src/logger.js';
import { createMetrics, openMonitoring } from '../../src/metrics/index.js';
import { configFiles } from '../../src/optimizations/index.js';
import { temporaryFolder } from '../support/folder.js';
import { ManualClock } from '../support/manual-clock.js';

/** The rules that the service is delivered with. */
export const deliveredRules = new URL('../../config/alerts.yaml', import.meta.url).pathname;

/** Nobody edits the delivered rules, and looking for edits takes most of a test's time. */
const unfollowed = { ...configFiles, watch: () => ({ markRead() {}, close() {} }) };

/** One rule over requests at once, without delay and without a way back of its own. */
export const concurrencyRule = (more = '', name = 'ConcurrencyHigh') =>
  `rules:\n  ${name}:\n    measure: concurrent_requests\n    above: 10\n    for_seconds: 0\n    severity: warning\n` +
  `    summary: <value> requests at once\n${more}`;

/**
 * Monitoring over a registry of its own, on a manual clock; `rules` is the text of its file, the delivered one when left
 * out, none when null.
 */
export async function openTestMonitoring(
  options: { rules?: string | null; webhookUrl?: string; lostMemory?: string } = {},
) {
  const folder = await temporaryFolder();
  const rulesFile = path.join(folder, 'alerts.yaml');
  if (typeof options.rules === 'string') writeFileSync(rulesFile, options.rules);
  const clock = new ManualClock();
  const metrics = createMetrics('0.0.0-test');
  metrics.observeFlags({ type: 'config_read', result: 'defaults' });
  const logged: string[] = [];
  // The disk keeps no manual clock.
  const probe = (name: string) => async () => {
    if (name === options.lostMemory) throw new Error('away');
  };
  const monitoring = await openMonitoring({
    metrics,
    alertsConfig: options.rules === undefined ? deliveredRules : rulesFile,
    configFiles: options.rules === undefined ? unfollowed : configFiles,
    dataDir: folder,
    lanceUri: path.join(folder, 'lancedb'),
    graphitiUrl: undefined,
    alertWebhookUrl: options.webhookUrl,
    scheduler: () => ({ limit: 50, running: 2, waiting: 1, load: { cpu: 0.25, memory: 0.5, event_loop: 1.5 } }),
    flags: () => ({ all: { effective: true }, fast_json: { effective: true }, query_cache: { effective: false } }),
    savings: () => ({}),
    logger: createLogger('debug', { write: (line: string) => void logged.push(line) }),
    clock,
    memoryProbes: Object.fromEntries(['graphiti', 'temporal', 'semantic'].map((name) => [name, probe(name)])),
  });
  onTestFinished(async () => {
    await monitoring.close();
    await metrics.close();
  });
  const answer = (status: number, durationSeconds: number, times = 1, endpoint = '/canvas/:path') => {
    for (let i = 0; i < times; i++) {
      metrics.observeRequest({ type: 'started' });
      metrics.observeRequest({ type: 'answered', method: 'GET', endpoint, status, durationSeconds });
    }
  };
  return {
    folder,
    rulesFile,
    clock,
    metrics,
    monitoring,
    answer,
    /** Lets so many requests begin that are not answered. */
    begin: (times: number) => {
      for (let i = 0; i < times; i++) metrics.observeRequest({ type: 'started' });
    },
    write: (text: string) => writeFileSync(rulesFile, text),
    firing: () => monitoring.alerts.active().map(({ name }) => name),
    lines: () => logged.map((line) => JSON.parse(line) as Record<string, unknown>),
    series: async (name: string) => (await metrics.text()).split('\n').filter((line) => line.startsWith(name)),
  };
}
