/**
 * One number that a cache keeps to, and that may be another one than was configured.
 * @source issue "`auto_tune`"
 */
export interface TunedLimit {
  /** As in the configuration, such as `max_bytes`. */
  readonly name: string;
  readonly unit: 'bytes' | 'entries' | 'seconds';
  /** As the operator set it. */
  configured(): number;
  /** What holds now. */
  current(): number;
  /** @param value undefined: as configured again */
  set(value: number | undefined): void;
}

/**
 * A number that somebody else keeps to.
 * @param apply is told what holds from now on
 * @source issue "`auto_tune`" ("reversible")
 */
export function tunedLimit(
  name: string,
  unit: TunedLimit['unit'],
  configured: number,
  apply: (value: number) => void,
): TunedLimit {
  let current = configured;
  return {
    name,
    unit,
    configured: () => configured,
    current: () => current,
    set(value) {
      current = value ?? configured;
      apply(current);
    },
  };
}
