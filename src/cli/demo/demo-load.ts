import { setTimeout as pause } from 'node:timers/promises';
import { ClientError } from '../../client/index.js';
import { createChance } from './chance.js';
import type { Visit, Visitor } from './visitors.js';

/** What the visitors have met with. @source product contract, promise 5 ("never a 5xx") */
export interface LoadCounts {
  acts: number;
  refusals: number;
  /** What the last refusal said. */
  lastRefusal: string | undefined;
}

const restAfterRefusalMs = 1000;

/**
 * Lets visitors come and go until it is time to leave. Each waits for its answer before it rests, so a slow service gets
 * fewer requests, never a heap of them.
 * @returns the counts, which grow meanwhile, and a promise that all have left
 * @source product contract, "Who uses it"
 */
export function receive(visitors: readonly Visitor[], visit: Visit): { counts: LoadCounts; left: Promise<unknown> } {
  const counts: LoadCounts = { acts: 0, refusals: 0, lastRefusal: undefined };
  const { leave } = visit;
  // A rest that is broken off by the signal is no failure.
  const rest = (ms: number) => pause(ms, undefined, { signal: leave }).catch(() => {});

  async function stay(visitor: Visitor, seed: number): Promise<void> {
    const chance = createChance(seed);
    while (!leave.aborted) {
      try {
        await visitor.act(visit, chance);
        counts.acts += 1;
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        if (leave.aborted) return;
        counts.refusals += 1;
        counts.lastRefusal = `${visitor.name}: ${error.message}`;
        await rest(restAfterRefusalMs);
      }
      await rest(visitor.restMs * (0.5 + chance.next()));
    }
  }
  return { counts, left: Promise.all(visitors.map((visitor, index) => stay(visitor, index + 1))) };
}
