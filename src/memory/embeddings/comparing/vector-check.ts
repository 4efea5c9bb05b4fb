import type { AnswerCheck } from '../../../optimization.js';

/** Models give the same vector for the same text, but for rounding. */
const rounding = 1e-3;

/**
 * Which of the vectors is the first that differs by more than rounding, and in what; undefined when none does.
 * @source product contract, Optimisations (`embedding_cache`, `batch_embedding`)
 */
export function differenceOfVectors(one: readonly Float32Array[], other: readonly Float32Array[]): string | undefined {
  for (const [place, vector] of one.entries()) {
    const wanted = other[place];
    if (wanted?.length !== vector.length)
      return `vector ${place + 1}: ${vector.length} numbers against ${wanted?.length}`;
    const isSame = vector.every((value, i) => Math.abs(value - (wanted[i] ?? Number.NaN)) <= rounding);
    if (!isSame) return `vector ${place + 1} of ${one.length}: other numbers`;
  }
  return undefined;
}

/**
 * How vectors of a model are compared. Texts never change, so the model's name is the version.
 * @source product contract, Optimisations (`embedding_cache`, `batch_embedding`)
 */
export function vectorCheck(model: string, putRight: () => void): AnswerCheck<readonly Float32Array[]> {
  return { isTimed: false, version: () => model, difference: differenceOfVectors, putRight };
}
