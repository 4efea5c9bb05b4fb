/**
 * Which alerts hold, and since when. For each rule and set of labels:
 *
 *     (none) -- beyond the threshold --> pending -- so for `for_seconds` --> firing
 *        ^                                  |                                  |
 *        +--------- not beyond it ----------+          back beyond `clear` ----+--> (none), resolved
 *
 * Nothing measured counts as not beyond it, as in Prometheus. States are kept over a change of the rules, and forgotten
 * by a restart.
 */

import type { Reading } from '../summary/reading/reading.js';
import type { RecentReadings } from '../summary/reading/recent-readings.js';
import type { Alert, AlertChange } from './alert.js';
import { type AlertConfig, type AlertRule, limitsOf } from './rules/alert-rule.js';
import { type Measured, measureOf } from './rules/measures.js';
import { filledIn, shown } from './rules/rule-text.js';

interface State {
  sinceMs: number;
  isFiring: boolean;
  alert: Alert;
}

const severities = ['critical', 'warning', 'info'];

function alertOf(name: string, rule: AlertRule, labels: Measured['labels'], value: number, since: string): Alert {
  const { unit } = measureOf(rule.measure);
  const { threshold } = limitsOf(rule);
  const texts = { ...labels, value: shown(value, unit), threshold: shown(threshold, unit) };
  const summary = filledIn(rule.summary, texts);
  return { name, severity: rule.severity, since, value, threshold, summary, labels: { ...labels } };
}

const isMeant = ({ only = {} }: AlertRule, { labels }: Measured) =>
  Object.entries(only).every(([label, value]) => labels[label] === value);

/** Too few events say nothing. */
function tellingValue(rule: AlertRule, { value, count }: Measured): number | undefined {
  if (value === undefined || !Number.isFinite(value)) return undefined;
  return count !== undefined && count < (rule.min_count ?? 1) ? undefined : value;
}

/**
 * The states of all rules; see the top of the file.
 * @source product contract, Monitoring (`/metrics/alerts`); Prometheus documentation, "Alerting rules"
 */
export class RuleStates {
  #states = new Map<string, State>();

  /** What fires now: the worst first, then the oldest. */
  active(): Alert[] {
    const firing = [...this.#states.values()].filter(({ isFiring }) => isFiring).map(({ alert }) => alert);
    const rank = ({ severity }: Alert) => severities.indexOf(severity);
    return firing.sort((a, b) => rank(a) - rank(b) || a.since.localeCompare(b.since) || a.name.localeCompare(b.name));
  }

  /**
   * Looks at every rule.
   * @param wallMs epoch ms of `now`
   * @returns what began to fire or ended
   */
  evaluate(rules: AlertConfig['rules'], recent: RecentReadings, now: Reading, wallMs: number): AlertChange[] {
    const changes: AlertChange[] = [];
    const next = new Map<string, State>();
    for (const [name, rule] of Object.entries(rules)) {
      if (!rule.enabled) continue;
      const before = recent.before(now.atMs, (rule.window_seconds ?? 0) * 1000);
      for (const measured of measureOf(rule.measure).now(now, before)) {
        if (!isMeant(rule, measured)) continue;
        const key = `${name} ${JSON.stringify(measured.labels)}`;
        const known = this.#states.get(key);
        const state = stateAfter(name, rule, measured, known, now.atMs, wallMs);
        if (state === undefined) continue;
        next.set(key, state);
        if (state.isFiring && !known?.isFiring) changes.push({ event: 'firing', atMs: wallMs, alert: state.alert });
      }
    }
    for (const [key, { isFiring, alert }] of this.#states) {
      if (isFiring && !next.has(key)) changes.push({ event: 'resolved', atMs: wallMs, alert });
    }
    this.#states = next;
    return changes;
  }
}

function stateAfter(
  name: string,
  rule: AlertRule,
  measured: Measured,
  known: State | undefined,
  nowMs: number,
  wallMs: number,
): State | undefined {
  const value = tellingValue(rule, measured);
  const { begins, goesOn } = limitsOf(rule);
  if (value === undefined || !(known?.isFiring ? goesOn(value) : begins(value))) return undefined;
  const sinceMs = known?.sinceMs ?? nowMs;
  const since = known?.alert.since ?? new Date(wallMs).toISOString();
  return {
    sinceMs,
    isFiring: known?.isFiring || nowMs - sinceMs >= rule.for_seconds * 1000,
    alert: alertOf(name, rule, measured.labels, value, since),
  };
}
