/**
 * What the time until the next sweep depends on. `busyMs`: what a sweep costs the main thread, in slices of some 0.3 ms.
 * `isWatched`: the system tells of each folder.
 * @source product contract, Canvases (`GET /canvas/events`)
 */
export interface SweepCost {
  intervalMs: number;
  busyMs: number;
  isWatched: boolean;
}

/** Where the system tells of changes, sweeps only find what it missed. */
const watchedShare = 0.02;
/** Where it does not, they are all there is. */
const unwatchedShare = 0.2;
/** However large the vault, what was missed is found after this time and a sweep. */
const maxIntervalMs = 10_000;

/**
 * Ms from the end of one sweep to the begin of the next: `intervalMs`, and longer where sweeps would take more than
 * their share of the time.
 * @source product contract, Canvases ("outside edits are noticed within 1 s")
 */
export function sweepIntervalMs({ intervalMs, busyMs, isWatched }: SweepCost): number {
  const share = isWatched ? watchedShare : unwatchedShare;
  return Math.max(intervalMs, Math.min(busyMs / share, maxIntervalMs));
}
