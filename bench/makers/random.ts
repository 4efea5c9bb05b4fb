import { createChance } from '../../src/cli/demo/chance.js';

/**
 * A source of numbers that is the same for the same seed.
 * @source Tommy Ettinger, "mulberry32" (public domain generator)
 */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** A whole number in [low, high]. */
  integer(low: number, high: number): number;
  pick<T>(choices: readonly T[]): T;
}

/**
 * Makes a source of numbers.
 * @param seed any whole number
 * @source Tommy Ettinger, "mulberry32" (public domain generator)
 */
export function createRandom(seed: number): Random {
  const { next, whole, pick } = createChance(seed);
  return { next, integer: whole, pick };
}

/**
 * Lower-case hexadecimal digits.
 * @source JSON Canvas 1.0 (node ids as Obsidian writes them)
 */
export function hexadecimal(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => random.integer(0, 15).toString(16)).join('');
}
