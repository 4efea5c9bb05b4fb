import type { Logger } from '../../logger.js';
import type { Optimization } from '../../optimization.js';
import type { SchedulerEvent } from '../events.js';
import type { LoadSignal } from '../load/load-signal.js';
import type { SchedulerSettings } from '../settings.js';
import { createAdaptiveCapacity } from './adaptive-capacity.js';
import { createFixedCapacity } from './capacity.baseline.js';
import type { Demand, LimitReason, LoadReadings } from './capacity.js';

/**
 * What the limit in force is made from.
 * @source story-17.4 task 3
 */
export interface FollowedLimitOptions {
  flag: Optimization<SchedulerSettings>;
  signals: readonly LoadSignal[];
  nowMs: number;
  logger: Logger;
  onEvent: (event: SchedulerEvent) => void;
  /** For what is told about a change. */
  counts(): { waiting: number; running: number };
}

/**
 * The limit in force: the adaptive one while the flag is on and its signals can be read, else the fixed one. Each change, also one of
 * the reason alone, is an event and a line of the log.
 * @source story-17.4 task 3 and AC7
 */
export interface FollowedLimit {
  readonly limit: number;
  readonly reason: LimitReason;
  readonly readings: LoadReadings;
  sample(nowMs: number, demand: Demand): void;
}

/**
 * Begins with the adaptive limit at its minimum, or the fixed one.
 * @source story-17.4 task 3
 */
export function followLimit(options: FollowedLimitOptions): FollowedLimit {
  const { flag, signals, nowMs, logger, onEvent, counts } = options;
  const settings = () => flag.settings;
  const fixed = createFixedCapacity(settings);
  const adaptive = createAdaptiveCapacity(settings, nowMs);
  let readings: LoadReadings = {};
  let isBroken = false;
  const capacity = () => (flag.enabled && !isBroken ? adaptive : fixed);
  let told = { limit: capacity().limit, reason: capacity().reason };

  const read = (now: number) => {
    const found: LoadReadings = {};
    for (const signal of signals) {
      const value = signal.read(now);
      if (value !== undefined) found[signal.name] = value;
    }
    return found;
  };
  const tell = () => {
    const { limit, reason } = capacity();
    if (limit === told.limit && reason === told.reason) return;
    const decision = { limit, previous: told.limit, reason, load: readings, ...counts() };
    told = { limit, reason };
    onEvent({ type: 'limit', ...decision });
    logger.info(decision, 'the scheduler decided how much runs at once');
  };

  return {
    get limit() {
      return capacity().limit;
    },
    get reason() {
      return capacity().reason;
    },
    get readings() {
      return readings;
    },
    sample(now, demand) {
      if (flag.enabled) {
        try {
          readings = read(now);
          adaptive.sample(now, readings, demand);
          isBroken = false;
        } catch (error) {
          isBroken = true;
          flag.failed(error);
        }
      }
      tell();
    },
  };
}
