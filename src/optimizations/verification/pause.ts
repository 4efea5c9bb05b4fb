import type { PolicySettings } from '../policy-settings.js';

/** What takes up to a quarter of it is looked at within this: a wrong answer is to be found within ten seconds. */
const soonSeconds = 8;
const soonShare = 0.25;
/** Whatever else the process does adds to what a comparison seems to take: the least of so many tells more than the last. */
const measuredTimes = 3;

/**
 * The last few measured times, newest first.
 * @param before those that were known
 * @source product contract, Optimisations (`verification.sample_rate`)
 */
export const withMeasured = (before: readonly number[], seconds: number): readonly number[] => [
  seconds,
  ...before.slice(0, measuredTimes - 1),
];

/**
 * How long after a comparison of a flag the next one is due: as soon as the settings want it where it is cheap, no sooner
 * than four times its length where that is up to 2 s, and else when its share of the time allows it.
 * @param measured what the last comparisons took, in seconds
 * @param isUnsettled the last one came to nothing, for the data had changed meanwhile: another may follow as soon as it may
 * @returns seconds
 * @source product contract, Optimisations (`verification.sample_rate`, `auto_rollback`)
 */
export function pauseSeconds(
  measured: readonly number[],
  isUnsettled: boolean,
  settings: Pick<PolicySettings<'verification'>, 'at_least_every_seconds' | 'max_time_ratio'>,
): number {
  const { at_least_every_seconds: atLeastEvery, max_time_ratio } = settings;
  const seconds = measured.length > 0 ? Math.min(...measured) : 0;
  const rest = seconds / max_time_ratio;
  const soon = seconds / soonShare;
  const usual = Math.max(atLeastEvery, soon <= soonSeconds ? Math.min(rest, soon) : rest);
  return isUnsettled ? Math.min(usual, rest) : usual;
}
