import { vi } from 'vitest';

/** Asks again until the check passes. The bound is for what never comes: a busy machine alone must not reach it. */
export const eventually = <T>(check: () => T | Promise<T>): Promise<T> =>
  vi.waitFor(check, { timeout: 10_000, interval: 10 });
