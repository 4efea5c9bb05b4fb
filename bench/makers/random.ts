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
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  return { next, integer, pick: (choices) => choices[integer(0, choices.length - 1)] as never };
}

/**
 * Lower-case hexadecimal digits.
 * @source JSON Canvas 1.0 (node ids as Obsidian writes them)
 */
export function hexadecimal(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => random.integer(0, 15).toString(16)).join('');
}
