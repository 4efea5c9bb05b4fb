import { Problem } from './errors.js';

/**
 * One optimisation as the part that owns it sees it: whether it is on now, its settings, and where to report that it
 * failed at work. Read it on each use: operators flip flags while the service runs. Settings keep the spelling of
 * `config/optimization.yaml`, so that one search finds a setting everywhere.
 * @source story-17.4 AC7
 */
export interface Optimization<Settings = Record<string, never>> {
  readonly enabled: boolean;
  /** The same, where asking is no use of it: uses are counted, to be set against failures. */
  readonly isOn?: boolean;
  readonly settings: Settings;
  /** Counts the failure and logs it once; the caller then goes the original way. */
  failed(error: unknown): void;
  /**
   * Asked for each answer of the optimised way: now and then gives what compares it with an answer of the original way,
   * later and off the request's path. Costs next to nothing when it gives nothing.
   * @param isExternal the original way would call a model or another server
   */
  sample?(isExternal?: boolean): Trial | undefined;
  /** Counts what the same piece of work takes both ways, where it cannot be repeated: writes, commits, calls. */
  counted?(work: CountedWork): void;
  /**
   * Tells that the part has compared an answer itself, because only it could. With a difference (what differs, not the
   * contents) the answer was wrong, and counts like any wrong answer.
   */
  checked?(difference: string | undefined): void;
}

/**
 * `unit` is the plural of what is counted; the original way's number follows from its definition (one for each request,
 * row, text).
 * @source product contract, Promises 7; story-17.4 AC6
 */
export interface CountedWork {
  unit: string;
  optimised: number;
  original: number;
}

/**
 * How answers of both ways are compared. `version` names the state of the data that answers come from: while it stays,
 * both ways must answer the same; undefined where it cannot be told. `difference` says what differs without quoting
 * contents; undefined when nothing does. `bytesOf` is the memory that an answer holds while it waits. With `isTimed` false
 * only the answers are compared, not their times. `askAgain` asks the original way in place of what answers requests, where
 * that reports what it does. `look` gets the original way's answer by reading only what the answer needs: it finds a wrong
 * answer where the original way takes too long to be asked often, and comes before it; its time says nothing. `lookAt` is such a
 * look at the data of an earlier version, undefined where that is gone: for data that changes while a look takes place. `putRight` is called after a
 * difference has been confirmed and told: it drops or mends what the optimised way has kept. Its failures are only counted.
 * `isFromBeneath` is asked about a confirmed difference: true when a way that the optimised one rests on has made it, whose
 * own flag has been told; this one is not to blame then.
 * @source product contract, Optimisations (`verification.sample_rate`)
 */
export interface AnswerCheck<T> {
  version(): Promise<string | undefined> | string | undefined;
  difference(optimised: T, original: T): Promise<string | undefined> | string | undefined;
  bytesOf?(answer: T): number;
  isExternal?: boolean;
  isTimed?: boolean;
  askAgain?(): Promise<T> | T;
  look?(): Promise<T> | T;
  lookAt?(version: string): Promise<T | undefined> | T | undefined;
  putRight?(optimised: T, original: T): Promise<void> | void;
  isFromBeneath?(original: T): Promise<boolean>;
}

/**
 * An answer that was given, how long it took in seconds, and the data's version before it (and after it, where an earlier one
 * can be looked at); or, for ways that only show
 * their difference beside each other, how to get an answer of either way. `original` is only called later, and finds warm
 * what the answer has warmed: a way that asked the original one itself, as a cache does on a miss, says in
 * `originalSeconds` how long that took, and then the later call is not timed.
 * @source product contract, Optimisations (`verification.sample_rate`)
 */
export interface AnswerPair<T> {
  check: AnswerCheck<T>;
  versionBefore?: string | undefined;
  versionAfter?: string | undefined;
  optimised: { answer: T; seconds: number; originalSeconds?: number | undefined } | (() => Promise<T> | T);
  original(): Promise<T> | T;
}

/**
 * Takes one pair, or drops it when there is too much to do. Never throws.
 * @source product contract, Optimisations (`verification.sample_rate`)
 */
export interface Trial {
  compare<T>(pair: AnswerPair<T>): void;
}

/**
 * Whether an optimisation is on, without that counting as a use of it.
 * @source product contract, Optimisations (`auto_rollback`)
 */
export const isOn = (optimization: Pick<Optimization<unknown>, 'enabled' | 'isOn'>): boolean =>
  optimization.isOn ?? optimization.enabled;

const secondsSince = (startedAt: number) => (performance.now() - startedAt) / 1000;

/**
 * Runs the optimised way while its flag is on, and the original way when it is off or the optimised way breaks.
 * A {@link Problem} is an answer, not a breakage: it is passed on as it is. Use it only around work that is safe to
 * run twice. With a `check`, some answers are compared with those of the original way afterwards.
 * @returns what either way returned
 * @throws what the original way throws, or the Problem of the optimised way
 * @source story-17.4 task 8 (graceful degradation)
 */
export async function withFallback<T>(
  optimization: Optimization<unknown>,
  optimised: () => Promise<T> | T,
  original: () => Promise<T> | T,
  check?: AnswerCheck<T>,
): Promise<T> {
  if (!optimization.enabled) return original();
  try {
    const trial = check && optimization.sample?.(check.isExternal);
    return await (trial ? comparedLater(trial, optimised, original, check) : optimised());
  } catch (error) {
    if (error instanceof Problem) throw error;
    optimization.failed(error);
    return original();
  }
}

async function comparedLater<T>(
  trial: Trial,
  optimised: () => Promise<T> | T,
  original: () => Promise<T> | T,
  check: AnswerCheck<T>,
): Promise<T> {
  const versionBefore = await versionOf(check);
  const startedAt = performance.now();
  const answer = await optimised();
  const seconds = secondsSince(startedAt);
  const versionAfter = check.lookAt && (await versionOf(check));
  const optimisedAnswer = { answer, seconds };
  const pair = { check, versionBefore, versionAfter, optimised: optimisedAnswer, original: check.askAgain ?? original };
  trial.compare(pair);
  return answer;
}

/** A version that cannot be told is no reason to fail a request. */
async function versionOf(check: { version: AnswerCheck<unknown>['version'] }): Promise<string | undefined> {
  try {
    return await check.version();
  } catch {
    return undefined;
  }
}
