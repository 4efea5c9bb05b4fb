/**
 * One write of one canvas: its revision, when it was sent and when it was acknowledged, in milliseconds of one clock;
 * Infinity while it is not.
 * @source product contract, promise 1
 */
export interface Write {
  revision: number;
  sentAt: number;
  acknowledgedAt: number;
}

/**
 * What the file held before the first write.
 * @source product contract, promise 1
 */
export const writeBeforeAll: Write = {
  revision: 0,
  sentAt: Number.NEGATIVE_INFINITY,
  acknowledgedAt: Number.NEGATIVE_INFINITY,
};

/**
 * Whether an acknowledged write is lost when the file holds `onDisk`: only a write that was not yet over when the
 * acknowledged one was sent may stand in its place.
 * @source product contract, promise 1; Herlihy and Wing (1990), "Linearizability"
 */
export function isLost(acknowledged: Write, onDisk: Write): boolean {
  return onDisk.revision !== acknowledged.revision && onDisk.acknowledgedAt < acknowledged.sentAt;
}

/**
 * The acknowledged writes that are lost when the file holds `onDisk`.
 * @source product contract, promise 1
 */
export function lostWrites(writes: Iterable<Write>, onDisk: Write): Write[] {
  return [...writes].filter((write) => Number.isFinite(write.acknowledgedAt) && isLost(write, onDisk));
}
