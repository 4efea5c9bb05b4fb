import { z } from 'zod';
import type { SchedulerEvent } from '../../scheduler/index.js';

/**
 * A change of the scheduler's limit, or of the reason alone: when (epoch seconds), from what to what, and why. `load` is what was read then
 * (`cpu` and `memory` as shares, `event_loop` in milliseconds).
 * @source story-17.4 task 3; product contract, Monitoring (`GET /dashboard`)
 */
export const limitChangeSchema = z.object({
  time: z.number(),
  limit: z.number(),
  previous: z.number(),
  reason: z.string().max(64),
  load: z.record(z.string().max(64), z.number()),
});

/** @source story-17.4 task 3 */
export type LimitChange = z.infer<typeof limitChangeSchema>;

const maxChanges = 300;
const maxAgeSeconds = 86_400;

/**
 * The latest changes of the scheduler's limit, of one day at most.
 * @source story-17.4 task 3; product contract, Promises 6
 */
export class LimitChanges {
  #changes: LimitChange[] = [];
  readonly #wall: () => number;

  constructor(wall: () => number = Date.now) {
    this.#wall = wall;
  }

  observe(event: SchedulerEvent): void {
    if (event.type !== 'limit') return;
    const { limit, previous, reason, load } = event;
    this.#changes.push({
      time: this.#wall() / 1000,
      limit,
      previous,
      reason,
      load: { ...load } as LimitChange['load'],
    });
    if (this.#changes.length > maxChanges) this.#changes.shift();
  }

  /** Puts those of an earlier run in front. */
  restore(earlier: readonly LimitChange[]): void {
    this.#changes = [...earlier, ...this.#changes].slice(-maxChanges);
  }

  /** Oldest first. */
  recent(): readonly LimitChange[] {
    const oldest = this.#wall() / 1000 - maxAgeSeconds;
    return this.#changes.filter(({ time }) => time >= oldest);
  }
}
