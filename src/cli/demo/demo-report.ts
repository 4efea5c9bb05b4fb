import type { Client } from '../../client/index.js';

/** What `GET /metrics/summary` answers. @source product contract, Monitoring */
export type Summary = Awaited<ReturnType<Client['monitoring']['getMetricsSummary']>>['body'];

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const number = (value: number) => whole.format(value);
const percent = (share: number | null | undefined) =>
  share === null || share === undefined ? '-' : `${Math.round(share * 100)} %`;

function time(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}

function quantity(value: number | null, unit: string): string {
  if (value === null) return '-';
  const digits = Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0;
  return `${value.toFixed(digits)} ${unit}`;
}

/**
 * What happens now, in one line.
 * @param imported rows that the import has stored, of how many; undefined once it is over
 * @source product contract, Monitoring (`GET /metrics/summary`)
 */
export function nowLine(elapsedSeconds: number, summary: Summary, imported: string | undefined): string {
  const { api, cache_hit_rate, agents, resources } = summary;
  const facts = [
    `${number(api.requests_total)} requests, ${number(api.requests_per_second)} a second`,
    `p95 ${quantity(api.p95_latency_ms, 'ms')}`,
    `canvases from the cache ${percent(cache_hit_rate)}`,
    `agents ${number(agents.invocations_total)}`,
    `slots ${resources.scheduler.running} of ${resources.scheduler.limit}`,
    ...(imported === undefined ? [] : [imported]),
  ];
  return `${time(elapsedSeconds).padStart(5)}  ${facts.join(' · ')}`;
}

const verdictOf = (savedRatio: number) =>
  savedRatio < 0 ? `${percent(-savedRatio)} more than before` : `${percent(savedRatio)} saved`;

/**
 * Before and after of each optimisation that has been measured so far, a line each, the largest share saved first; those
 * that cannot be told from noise are only named.
 * @source product contract, promise 7; Settled details (`optimization_savings[flag]`)
 */
export function savingLines(summary: Summary): string[] {
  const measured = Object.entries(summary.optimization_savings).filter(([, { samples }]) => samples > 0);
  const clear = measured
    .filter(([, { distinguishable }]) => distinguishable)
    .sort(([, a], [, b]) => (b.saved_ratio ?? 0) - (a.saved_ratio ?? 0));
  const noise = measured.filter(([, { distinguishable }]) => !distinguishable);
  const longest = Math.max(0, ...clear.map(([flag]) => flag.length));
  const lines = clear.map(([flag, { baseline, optimized, saved_ratio, samples, unit }]) => {
    const before = quantity(baseline.mean_ms, unit).padStart(10);
    const after = quantity(optimized.mean_ms, unit).padStart(10);
    return `       ${flag.padEnd(longest)}  before ${before}  after ${after}  ${verdictOf(saved_ratio ?? 0)} (${number(samples)} measured)`;
  });
  if (noise.length === 0) return lines;
  const names = noise.map(([flag, { samples }]) => `${flag} (${number(samples)})`);
  return [...lines, `       not yet told from noise: ${names.join(', ')}`];
}
