import { parser } from '@prometheus-io/lezer-promql';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createMetrics, grafanaDashboardText, type MetricDescription } from '../../../src/metrics/index.js';
import { readText } from '../../architecture/repository.js';

interface DrawnPanel {
  id: number;
  type: string;
  title: string;
  gridPos: { h: number; w: number; x: number; y: number };
  targets?: { expr: string; legendFormat: string; refId: string }[];
}
interface Dashboard {
  uid: string;
  panels: DrawnPanel[];
  annotations: { list: { expr: string }[] };
}

const committed = 'config/grafana/dashboard.json';
const dashboard = JSON.parse(grafanaDashboardText()) as Dashboard;
const expressions = [
  ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...dashboard.annotations.list.map(({ expr }) => expr),
];

function registry(): Map<string, MetricDescription> {
  const metrics = createMetrics('0.0.0');
  const described = metrics.describe();
  metrics.close();
  return new Map(described.map((metric) => [metric.name, metric]));
}

/** The metrics and labels that an expression names; where it cannot be parsed. */
function readExpression(expression: string) {
  const text = expression.replaceAll('$__rate_interval', '5m');
  const faults: number[] = [];
  const names: string[] = [];
  const labels: string[] = [];
  parser.parse(text).iterate({
    enter(node) {
      const found = text.slice(node.from, node.to);
      if (node.type.isError) faults.push(node.from);
      if (node.name === 'Identifier' && node.node.parent?.name === 'VectorSelector') names.push(found);
      if (node.name === 'LabelName') labels.push(found);
    },
  });
  return { names, labels, faults };
}

/** What is wrong with an expression, in the eyes of the registry; empty when nothing is. */
function faultsOf(expression: string, known: Map<string, MetricDescription>): string[] {
  const { names, labels, faults } = readExpression(expression);
  const metrics = names.map((name) => {
    const metric = known.get(name) ?? known.get(name.replace(/_(?:bucket|sum|count)$/, ''));
    return metric?.type === 'histogram' || metric?.name === name ? metric : undefined;
  });
  const offered = new Set(['le', ...metrics.flatMap((metric) => metric?.labels ?? [])]);
  return [
    ...faults.map((at) => `no PromQL at ${at}`),
    ...names.filter((_, index) => metrics[index] === undefined).map((name) => `${name} is not measured`),
    ...labels.filter((label) => !offered.has(label)).map((label) => `${label} is no label of ${names.join(', ')}`),
  ];
}

describe('the dashboard for Grafana', () => {
  it('is committed as it is made', () => {
    expect(readText(committed) === grafanaDashboardText(), `${committed} is out of date: npm run grafana`).toBe(true);
  });

  it('asks only for what is measured, in PromQL', () => {
    const known = registry();
    expect(expressions.length).toBeGreaterThan(30);
    expect(
      expressions.flatMap((expression) => faultsOf(expression, known).map((fault) => [expression, fault])),
    ).toEqual([]);
  });

  it.each([
    ['sum(rate(canvas_api_requests_total[5m])', 'no PromQL'],
    ['rate(canvas_api_request_total[5m])', 'is not measured'],
    ['sum by (route) (rate(canvas_api_requests_total[5m]))', 'route is no label'],
    ['canvas_api_requests_total{code="500"}', 'code is no label'],
    ['canvas_api_requests_total_sum', 'is not measured'],
  ])('would be caught asking for %s', (expression, fault) => {
    expect(faultsOf(expression, registry()).join()).toContain(fault);
  });

  it('names in its legends only labels that its expressions keep', () => {
    const known = registry();
    for (const { title, targets = [] } of dashboard.panels) {
      for (const { expr, legendFormat } of targets) {
        const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label);
        const { names, labels } = readExpression(expr);
        const kept = expr.includes('by (') ? labels : names.flatMap((name) => known.get(name)?.labels ?? []);
        expect(kept, `${title}: ${legendFormat}`).toEqual(expect.arrayContaining(named));
      }
    }
  });

  it('lies on the grid without a gap in numbers or two panels in one place', () => {
    expect(dashboard.panels.map(({ id }) => id)).toEqual(dashboard.panels.map((_, index) => index + 1));
    const taken = new Set<string>();
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x},${y}`), title).toBe(false);
          taken.add(`${x},${y}`);
        }
      }
    }
  });

  it("begins as the seed's dashboard, top to bottom", () => {
    const titles = dashboard.panels.filter(({ type }) => type !== 'row').map(({ title }) => title);
    expect(titles.slice(0, 8)).toEqual([
      'Requests a second',
      'Latency',
      'Error rate',
      'Distribution of latency',
      'Agents by type, p95',
      'Memory by type, p95',
      'Processor time a second',
      'Memory',
    ]);
  });
});

describe('the files beside it', () => {
  it('lead Grafana to the dashboard and to the Prometheus that asks the service', () => {
    const provisioning = 'config/grafana/provisioning';
    const source = parse(readText(`${provisioning}/datasources/prometheus.yml`));
    expect(source.datasources).toMatchObject([{ type: 'prometheus', url: 'http://127.0.0.1:9090', isDefault: true }]);
    const { providers } = parse(readText(`${provisioning}/dashboards/canvas-learning.yml`));
    expect(providers).toMatchObject([{ type: 'file', options: { path: '$CANVAS_DASHBOARDS' } }]);
    expect(readText('docs/grafana.md')).toContain('CANVAS_DASHBOARDS="$PWD/config/grafana"');

    const prometheus = parse(readText('config/prometheus/prometheus.yml'));
    expect(prometheus.scrape_configs).toMatchObject([
      { metrics_path: '/metrics', static_configs: [{ targets: ['127.0.0.1:8000'] }] },
    ]);
    expect(prometheus.global.scrape_interval).toBe(source.datasources[0].jsonData.timeInterval);
  });
});
