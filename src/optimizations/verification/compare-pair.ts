import type { AnswerPair } from '../../optimization.js';

/**
 * What became of one pair. `skipped`: the data changed meanwhile, the original way does not agree with itself, or the fault
 * is another flag's; `dropped`: there was too much to do; `failed`: the original way, or the comparison, broke. Times in
 * seconds; `difference` says what differs.
 * @source product contract, Optimisations (`verification.sample_rate`)
 */
export type CompareOutcome =
  | { result: 'equal'; times?: { optimisedSeconds: number; originalSeconds: number } }
  | { result: 'mismatch'; difference: string }
  | { result: 'skipped' | 'dropped' }
  | { result: 'failed'; error: unknown };

/**
 * The outcome, and how what the optimised way has kept is put right.
 * @source product contract, Optimisations (`auto_rollback`)
 */
export interface ComparedPair {
  outcome: CompareOutcome;
  putRight?: () => Promise<void> | void;
}

const maxDifferenceLetters = 500;
const skipped: ComparedPair = { outcome: { result: 'skipped' } };

/**
 * What differs, short enough for a log line.
 * @source product contract, Optimisations (`verification.sample_rate`)
 */
export const shortened = (difference: string): string => difference.slice(0, maxDifferenceLetters);

interface Timed<T> {
  answer: T;
  seconds: number;
  originalSeconds?: number | undefined;
}

async function timed<T>(work: () => Promise<T> | T): Promise<Timed<T>> {
  const startedAt = performance.now();
  const answer = await work();
  return { answer, seconds: (performance.now() - startedAt) / 1000 };
}

/** Both answers. Where both are asked for now, chance says which comes first: the second finds warm memory. */
async function bothWays<T>(
  { optimised, original }: AnswerPair<T>,
  random: () => number,
): Promise<[Timed<T>, Timed<T>]> {
  if (typeof optimised !== 'function') return [optimised, await timed(original)];
  if (random() < 0.5) {
    const first = await timed(original);
    return [await timed(optimised), first];
  }
  const first = await timed(optimised);
  return [first, await timed(original)];
}

/** The answer that was given, beside the data of its own version; undefined where that cannot be looked at. */
async function compareAtVersion<T>({ check, optimised, ...pair }: AnswerPair<T>): Promise<ComparedPair | undefined> {
  const { versionBefore: version } = pair;
  if (typeof optimised === 'function' || version === undefined || pair.versionAfter !== version) return undefined;
  const looked = await check.lookAt?.(version);
  if (looked === undefined) return undefined;
  const difference = await check.difference(optimised.answer, looked);
  if (difference === undefined) return { outcome: { result: 'equal' } };
  const again = await check.lookAt?.(version);
  if (again === undefined || (await check.difference(optimised.answer, again)) === undefined) return undefined;
  return mismatch(check, difference, optimised.answer, again);
}

async function mismatch<T>(
  check: AnswerPair<T>['check'],
  difference: string,
  answer: T,
  original: T,
): Promise<ComparedPair> {
  // Where that cannot be found out, the difference is the optimised way's own.
  if (await check.isFromBeneath?.(original).catch(() => false)) return skipped;
  const outcome = { result: 'mismatch', difference: shortened(difference) } as const;
  return { outcome, ...(check.putRight && { putRight: () => check.putRight?.(answer, original) }) };
}

/**
 * Compares the answers of both ways at one version of the data. Never throws.
 * @param random from 0 to below 1
 * @param isLook the pair's `look` answers for the original way, and nothing is timed
 * @source product contract, Optimisations (`verification.sample_rate`); Promises 7
 */
export async function comparePair<T>(pair: AnswerPair<T>, random: () => number, isLook = false): Promise<ComparedPair> {
  const { check } = pair;
  const original = (isLook && check.look) || pair.original;
  try {
    const before = typeof pair.optimised === 'function' ? await check.version() : pair.versionBefore;
    if (before === undefined) return skipped;
    const isUnchanged = async () => (await check.version()) === before;
    const ofItsVersion = async () => (isLook && (await compareAtVersion(pair))) || skipped;
    if (!(await isUnchanged())) return await ofItsVersion();
    const [fast, slow] = await bothWays({ ...pair, original }, random);
    if (!(await isUnchanged())) return await ofItsVersion();
    const difference = await check.difference(fast.answer, slow.answer);
    if (difference === undefined) {
      const times = { optimisedSeconds: fast.seconds, originalSeconds: fast.originalSeconds ?? slow.seconds };
      return { outcome: check.isTimed === false || isLook ? { result: 'equal' } : { result: 'equal', times } };
    }
    const again = await original();
    const stillDiffers = (await check.difference(fast.answer, again)) !== undefined;
    if (!stillDiffers) return skipped;
    if (!(await isUnchanged())) return await ofItsVersion();
    return await mismatch(check, difference, fast.answer, again);
  } catch (error) {
    return { outcome: { result: 'failed', error } };
  }
}
