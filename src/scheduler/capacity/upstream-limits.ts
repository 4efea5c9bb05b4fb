import type { Logger } from '../../logger.js';
import type { UpstreamEvent } from '../../upstream/index.js';
import type { SchedulerEvent } from '../events.js';
import { createUpstreamCapacity, type UpstreamCapacity } from './upstream-capacity.js';

/**
 * - `bounds`: with how much each server is begun, and the most that it gets.
 * @source story-17.4 task 3
 */
export interface UpstreamLimitsOptions {
  bounds(): { start: number; max: number };
  logger: Logger;
  onEvent: (event: SchedulerEvent) => void;
}

/**
 * How many tasks have a place at each other server, and how many may. Each change is an event and a line of the log. Names come from the source, so there are few.
 * @source story-17.4 task 3 ("the model endpoint's own answers")
 */
export interface UpstreamLimits {
  mayStart(name: string, nowMs: number): boolean;
  /** How long the server still wants to be left alone; 0 when it does not, or when one may try. */
  pauseMs(name: string, nowMs: number): number;
  started(name: string, nowMs: number): void;
  ended(name: string): void;
  running(name: string): number;
  observe(event: UpstreamEvent, nowMs: number): void;
  state(): Record<string, { limit: number; running: number }>;
}

/** @source story-17.4 task 3 */
export function createUpstreamLimits({ bounds, logger, onEvent }: UpstreamLimitsOptions): UpstreamLimits {
  const known = new Map<string, { capacity: UpstreamCapacity; running: number }>();
  const of = (name: string) => {
    let found = known.get(name);
    if (found === undefined) {
      found = { capacity: createUpstreamCapacity(bounds().start), running: 0 };
      known.set(name, found);
    }
    return found;
  };
  return {
    mayStart(name, nowMs) {
      const { capacity, running } = of(name);
      return running < capacity.limit && nowMs >= capacity.pausedUntilMs;
    },
    pauseMs(name, nowMs) {
      const { pausedUntilMs, askedUntilMs } = of(name).capacity;
      return nowMs < pausedUntilMs ? Math.max(0, askedUntilMs - nowMs) : 0;
    },
    started(name, nowMs) {
      const found = of(name);
      found.running++;
      found.capacity.sent(nowMs);
    },
    ended: (name) => {
      of(name).running--;
    },
    running: (name) => of(name).running,
    observe(event, nowMs) {
      if (event.type !== 'attempt' && event.type !== 'answering') return;
      const { capacity, running } = of(event.upstream);
      const previous = capacity.limit;
      capacity.observe(event, nowMs, bounds().max);
      const { limit, reason } = capacity;
      if (limit === previous || reason === undefined) return;
      const decision = { upstream: event.upstream, limit, previous, reason, running };
      onEvent({ type: 'upstream_limit', ...decision });
      logger.info(decision, 'the scheduler changed how much is sent to another server at once');
    },
    state: () =>
      Object.fromEntries([...known].map(([name, { capacity, running }]) => [name, { limit: capacity.limit, running }])),
  };
}
