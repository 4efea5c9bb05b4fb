import { isOn, type Optimization } from '../../../optimization.js';

/**
 * An answer in three ways that differ only in what finds the rows: afresh with the indexes, afresh without them, and what is
 * wrong with it, undefined when nothing is.
 * @source product contract, Optimisations (`scalar_indexes`)
 */
export interface IndexSuspicion<T> {
  indexed(): Promise<T>;
  unindexed(): Promise<T>;
  difference(answer: T): Promise<string | undefined> | string | undefined;
}

/**
 * Whether the indexes have made a wrong answer wrong; if so their flag has been told.
 * @source product contract, Optimisations (`scalar_indexes`, `auto_rollback`)
 */
export type BlameIndexes = <T>(suspicion: IndexSuspicion<T>) => Promise<boolean>;

/**
 * The ways above the indexes answer wrongly where these do: then it is the indexes that are to be turned off. They are at
 * fault where nothing but them makes the difference between a wrong answer and a right one.
 * @source product contract, Optimisations (`scalar_indexes`, `auto_rollback`)
 */
export function createIndexBlame(scalarIndexes: Optimization<unknown>): BlameIndexes {
  return async ({ indexed, unindexed, difference }) => {
    if (!isOn(scalarIndexes)) return false;
    const wrong = await difference(await indexed());
    if (wrong === undefined || (await difference(await unindexed())) !== undefined) return false;
    scalarIndexes.checked?.(wrong);
    return true;
  };
}
