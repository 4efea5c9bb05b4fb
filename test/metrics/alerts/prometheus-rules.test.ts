import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { promDuration } from '../../../src/metrics/alerts/prometheus/prometheus-rules.js';
import { createMetrics, readPrometheusRules } from '../../../src/metrics/index.js';
import { configFiles } from '../../../src/optimizations/index.js';
import { temporaryFolder } from '../../support/folder.js';
import { concurrencyRule, deliveredRules, openTestMonitoring } from '../open-test-monitoring.js';

const committed = new URL('../../../config/prometheus/alerts.yml', import.meta.url).pathname;
const unitTests = new URL('./prometheus-rules.promtool.yml', import.meta.url).pathname;

interface PrometheusRule {
  alert: string;
  expr: string;
}
const rulesIn = (text: string) => (parse(text) as { groups: [{ rules: PrometheusRule[] }] }).groups[0].rules;

/** The syntax of an expression: faults, metrics, and the labels named with each of them or in a grouping. */
function syntaxOf(expression: string) {
  const [metrics, labels, faults]: string[][] = [[], [], []];
  parser.parse(expression).iterate({
    enter({ name, from, to, type }) {
      const text = expression.slice(from, to);
      if (type.isError) faults?.push(`${from}: ${text}`);
      if (name === 'Identifier') metrics?.push(text);
      if (name === 'LabelName') labels?.push(text);
    },
  });
  return { metrics: metrics ?? [], labels: labels ?? [], faults };
}

const promtool = (...words: string[]) => spawnSync('promtool', words, { encoding: 'utf8' });
const hasPromtool = promtool('--version').error === undefined;
const said = hasPromtool ? '' : ' (skipped: promtool is not installed)';

describe('config/prometheus/alerts.yml', () => {
  const text = readFileSync(committed, 'utf8');

  it('is what `npm run rules` makes of config/alerts.yaml', () => {
    expect(text).toBe(readPrometheusRules(configFiles, deliveredRules));
  });

  it('has expressions without faults, over metrics and labels that the registry has', async () => {
    const registry = createMetrics('0.0.0');
    const described = registry.describe();
    await registry.close();
    for (const { alert, expr } of rulesIn(text)) {
      const { metrics, labels, faults } = syntaxOf(expr);
      expect(faults, alert).toEqual([]);
      const own = metrics.filter((name) => name !== 'ALERTS');
      expect(own.length, alert).toBeGreaterThan(0);
      const found = own.map((name) => {
        const metric = described.find((known) => known.name === name.replace(/_(?:bucket|sum|count)$/, ''));
        expect(metric, `${alert}: ${name}`).toBeDefined();
        return metric;
      });
      const known = ['le', 'alertname', 'alertstate', 'file', ...found.flatMap((metric) => metric?.labels ?? [])];
      expect(
        labels.filter((label) => !known.includes(label)),
        alert,
      ).toEqual([]);
    }
  });

  it('leaves out what is switched off, and says durations in their largest whole unit', () => {
    const files = {
      ...configFiles,
      read: () => ({ state: 'text' as const, text: concurrencyRule('    enabled: false\n') }),
    };
    expect(rulesIn(readPrometheusRules(files, 'x'))).toEqual([]);
    expect([0, 45, 60, 90, 3600, 5400, 86_400].map(promDuration)).toEqual([
      '0s',
      '45s',
      '1m',
      '90s',
      '1h',
      '90m',
      '24h',
    ]);
  });

  it('is refused to be made of rules with errors, or of a file being written', () => {
    expect(() => readPrometheusRules(configFiles, '/nowhere.yaml')).toThrow('expected a file, got none');
    const changing = { ...configFiles, read: () => ({ state: 'changing' as const }) };
    expect(() => readPrometheusRules(changing, 'x')).toThrow('expected a file at rest');
  });

  it.skipIf(!hasPromtool)(`is good for promtool${said}`, () => {
    const { status, stdout, stderr } = promtool('check', 'rules', committed);
    expect(status, stderr).toBe(0);
    expect(stdout).toContain(`SUCCESS: ${rulesIn(text).length} rules found`);
    const whole = promtool('check', 'config', path.join(path.dirname(committed), 'prometheus.yml'));
    expect(whole.status, whole.stderr).toBe(0);
    expect(whole.stdout).toContain('SUCCESS: 1 rule files found');
  });

  it.skipIf(!hasPromtool)(
    `passes its unit tests in promtool${said}`,
    async () => {
      const folder = await temporaryFolder();
      const tests = path.join(folder, 'tests.yml');
      writeFileSync(tests, readFileSync(unitTests, 'utf8').replaceAll('ALERTS_YML', committed));
      const { status, stdout, stderr } = promtool('test', 'rules', tests);
      expect(status, stdout + stderr).toBe(0);
    },
    60_000,
  );
});

describe('Prometheus and the service', () => {
  it.skipIf(!hasPromtool)(
    `see the same alerts fire and end at the same time${said}`,
    async () => {
      const { clock, metrics, answer, begin, firing, monitoring } = await openTestMonitoring();
      const agent = { type: 'agent_finished', canvasPath: 'a.canvas', isDryRun: false, isCached: false } as const;
      const read = { type: 'read', outcome: 'served', variant: 'optimized', bytes: 10 } as const;
      const end = (times: number) => {
        for (let i = 0; i < times; i++)
          metrics.observeRequest({
            type: 'answered',
            method: 'GET',
            endpoint: '/x',
            status: 200,
            durationSeconds: 0.01,
          });
      };
      let pendingBytes = 0;
      metrics.watchWrites(() => ({ writes: 1, bytes: pendingBytes }));
      const isBadFrom = (minute: number, from: number, to: number) => minute >= from && minute < to;
      /** What happens in the five seconds that begin at this minute. */
      const happens = (minute: number) => {
        answer(200, 0.004, 5);
        answer(200, isBadFrom(minute, 2, 14) ? 3 : 0.004, 5);
        answer(isBadFrom(minute, 4, 12) ? 500 : 200, 0.004, 2);
        if (minute === 6) begin(90);
        if (minute === 8) begin(30);
        if (minute === 12) end(30);
        if (minute === 16) end(50);
        const slowAgent = isBadFrom(minute, 1, 10) ? 25 : 1;
        metrics.observeAgents({
          ...agent,
          agent: 'scoring-agent',
          outcome: 'done',
          durationSeconds: slowAgent,
          modelSeconds: 0,
        });
        const slowMemory = isBadFrom(minute, 3, 12) ? 0.9 : 0.01;
        metrics.observeLearningEvents({
          type: 'events_queried',
          variant: 'optimized',
          partitions: 1,
          scanned: 1,
          durationSeconds: slowMemory,
        });
        for (let i = 0; i < 4; i++) {
          metrics.observeCanvases({ ...read, cache: i < 2 && isBadFrom(minute, 0.5, 24.5) ? 'miss' : 'hit' });
        }
        metrics.observeCanvasSearch({ type: 'searched', durationSeconds: slowMemory / 2, results: 1 });
        pendingBytes = isBadFrom(minute, 5, 9) ? 150e6 : isBadFrom(minute, 9, 13) ? 100e6 : 0;
        if (minute === 7)
          metrics.observeFlags({ type: 'compared', flag: 'fast_json', result: 'mismatch', difference: 'x' });
        if (minute === 9)
          metrics.observeFlags({ type: 'rolled_back', flag: 'fast_json', cause: 'mismatch', isNew: true });
        if (minute === 15) metrics.observeFlags({ type: 'rollback_ended', flag: 'fast_json' });
        if (minute === 9.75) metrics.observeFlags({ type: 'config_read', result: 'invalid' });
        if (minute === 13) metrics.observeFlags({ type: 'config_read', result: 'success' });
      };
      metrics.observeFlags({ type: 'switch_set', flag: 'fast_json', effective: true });

      const steps = 45 * 12;
      const series = new Map<string, string[]>();
      const expected = new Map<number, string[]>();
      const wanted = new Set(rulesIn(readFileSync(committed, 'utf8')).flatMap(({ expr }) => syntaxOf(expr).metrics));
      const record = async (scrape: number) => {
        for (const name of wanted) {
          const base = name.replace(/_(?:bucket|count)$/, '');
          for (const sample of await metrics.readSeries(base)) {
            if (sample.name !== name) continue;
            const labels = Object.entries(sample.labels).map(
              ([label, value]) => `${label}=${JSON.stringify(String(value))}`,
            );
            const key = `${name}{${labels.join(',')}}`;
            const values = series.get(key) ?? Array<string>(scrape).fill('_');
            values.push(String(sample.value));
            series.set(key, values);
          }
        }
      };
      await record(0);
      for (let step = 1; step <= steps; step++) {
        happens((step - 1) / 12);
        await clock.advance(5000);
        // Prometheus looks at every third of what the service looks at.
        if (step % 3 === 0) await record(step / 3);
        // Half-way between the minutes, where a rule that is due has been due for long.
        if (step % 12 === 6) {
          expected.set(
            step * 5,
            monitoring.alerts.active().map(({ name, severity, labels }) => labelled(name, severity, labels)),
          );
        }
      }
      expect(new Set([...expected.values()].flat()).size).toBe(12);
      expect(firing()).toEqual([]);

      const tests = {
        rule_files: [committed],
        evaluation_interval: '15s',
        tests: [
          {
            interval: '15s',
            input_series: [...series].map(([name, values]) => ({ series: name, values: values.join(' ') })),
            promql_expr_test: [...expected].map(([seconds, alerts]) => ({
              expr: 'ALERTS{alertstate="firing"}',
              eval_time: `${seconds}s`,
              exp_samples: alerts.map((labels) => ({ labels, value: 1 })),
            })),
          },
        ],
      };
      const file = path.join(await temporaryFolder(), 'tests.yml');
      writeFileSync(file, stringify(tests, { lineWidth: 0 }));
      const { status, stdout, stderr } = promtool('test', 'rules', file);
      expect(status, (stdout + stderr).slice(0, 3000)).toBe(0);
    },
    60_000,
  );
});

function labelled(name: string, severity: string, labels: Record<string, string>): string {
  const all = Object.entries({ alertname: name, alertstate: 'firing', severity, ...labels });
  return `ALERTS{${all.map(([label, value]) => `${label}="${value}"`).join(', ')}}`;
}
