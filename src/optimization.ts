import { Problem } from './errors.js';

/**
 * One optimisation as the part that owns it sees it: whether it is on now, its settings, and where to report that it
 * failed at work. Read it on each use: operators flip flags while the service runs. Settings keep the spelling of
 * `config/optimization.yaml`, so that one search finds a setting everywhere.
 * @source story-17.4 AC7
 */
export interface Optimization<Settings = Record<string, never>> {
  readonly enabled: boolean;
  readonly settings: Settings;
  /** Counts the failure and logs it once; the caller then goes the original way. */
  failed(error: unknown): void;
}

/**
 * Runs the optimised way while its flag is on, and the original way when it is off or the optimised way breaks.
 * A {@link Problem} is an answer, not a breakage: it is passed on as it is. Use it only around work that is safe to
 * run twice.
 * @returns what either way returned
 * @throws what the original way throws, or the Problem of the optimised way
 * @source story-17.4 task 8 (graceful degradation)
 */
export async function withFallback<T>(
  optimization: Optimization<unknown>,
  optimised: () => Promise<T> | T,
  original: () => Promise<T> | T,
): Promise<T> {
  if (!optimization.enabled) return original();
  try {
    return await optimised();
  } catch (error) {
    if (error instanceof Problem) throw error;
    optimization.failed(error);
    return original();
  }
}
