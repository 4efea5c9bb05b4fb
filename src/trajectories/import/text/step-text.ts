import { normalizeStep } from '../../trajectory-values.js';

/** What truth values are called in Python. */
const truths = new Map([
  ['True', 'true'],
  ['False', 'false'],
]);

/**
 * Fields of a step whose text may stand for a number or a truth value.
 * @source product contract, Import formats ("numbers may be strings")
 */
export const stepKeys = ['done', 'reward', 'step_id', 'mc_return'] as const;

/**
 * The JSON text of a step's field that came as text, in its normal form.
 * @param given without escapes
 * @returns undefined when it stays text
 * @source product contract, Import formats ("numbers may be strings")
 */
export function stepText(key: (typeof stepKeys)[number], given: string): string | undefined {
  const truth = key === 'done' ? truths.get(given) : undefined;
  if (truth) return truth;
  const step: Record<string, unknown> = { [key]: given };
  normalizeStep(step);
  return step[key] === given ? undefined : JSON.stringify(step[key]);
}
