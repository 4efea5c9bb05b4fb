/**
 * Runs tasks, as many at once as the machine and the other servers take. It promises: never more at once than the
 * limit when a task is started (check and booking are one synchronous step), nothing waits for ever, what waits is
 * bounded. It does not stop what runs when the limit falls. A task must not wait for another task of the scheduler:
 * they could wait for each other's slots.
 */
import { setMaxListeners } from 'node:events';
import type { Logger } from '../logger.js';
import type { Optimization } from '../optimization.js';
import type { UpstreamEvent } from '../upstream/index.js';
import type { LimitReason, LoadReadings } from './capacity/capacity.js';
import { followLimit } from './capacity/followed-limit.js';
import { createPlaces } from './capacity/places.js';
import { createUpstreamLimits } from './capacity/upstream-limits.js';
import { type Clock, systemClock } from './clock.js';
import { deadlinePassed, queueFull, schedulerClosed, upstreamPaused } from './errors.js';
import type { SchedulerEvent, TaskOutcome } from './events.js';
import type { LoadSignal } from './load/load-signal.js';
import { openLoadSignals, sampleEveryMs } from './load/open-load-signals.js';
import { Entry } from './queue/entry.js';
import { startInTurns } from './queue/start-in-turns.js';
import { TaskQueue } from './queue/task-queue.js';
import type { SchedulerSettings } from './settings.js';
import type { Task, TaskOptions } from './task.js';

/** @source story-17.4 task 3 */
export interface SchedulerOptions {
  flag: Optimization<SchedulerSettings>;
  logger: Logger;
  onEvent: (event: SchedulerEvent) => void;
  /** The machine's own when left out. They are closed with the scheduler. */
  signals?: readonly LoadSignal[];
  clock?: Clock;
}

/**
 * What the scheduler does now; `running` counts slots. `upstreams` holds what was learnt about each other server,
 * and how many tasks have a place there: those that pause before their next try have none.
 * @source product contract, Monitoring (`canvas_scheduler_limit`, `_running`, `_waiting`)
 */
export interface SchedulerState {
  limit: number;
  reason: LimitReason;
  running: number;
  waiting: number;
  load: LoadReadings;
  upstreams: Record<string, { limit: number; running: number }>;
}

/** @source story-17.4 task 3 (ResourceAwareScheduler) */
export interface Scheduler {
  /**
   * Runs the task when its turn comes, and answers what it answers.
   * @throws what the task throws; Problem `SCHEDULER_QUEUE_FULL`, `UPSTREAM_PAUSED`, `TASK_DEADLINE_PASSED`,
   * `SCHEDULER_CLOSED`; the signal's reason when the caller gives it up
   */
  run<T>(task: Task<T>, options: TaskOptions): Promise<T>;
  /** To be told what happens at the doors to other servers. */
  observeUpstream(event: UpstreamEvent): void;
  state(): SchedulerState;
  /** Refuses what waits, aborts what runs, and waits for its end, but not for ever. */
  close(): Promise<void>;
}

/** Background never takes the last slots: this share of the limit, at least one, is left to requests. */
const reservedShare = 0.2;
const closeWithinMs = 10_000;
const maxRetryAfterSeconds = 60;

/**
 * Opens the scheduler, and begins to look at the load.
 * @source story-17.4 task 3; product contract, Optimisations (`scheduler`)
 */
export function openScheduler(options: SchedulerOptions): Scheduler {
  const { flag, logger, onEvent, signals = openLoadSignals(), clock = systemClock } = options;
  const queue = new TaskQueue();
  const running = new Set<Entry>();
  const start = startInTurns(clock.nextTurn);
  let runningWeight = 0;
  let backgroundWeight = 0;
  let arrivals = 0;
  let heldBack = false;
  let isClosed = false;
  let endedSinceLook = 0;
  let endedPerSecond = 0;
  let whenIdle = () => {};
  const current = followLimit({
    flag,
    signals,
    nowMs: clock.now(),
    logger,
    onEvent,
    counts: () => ({ waiting: queue.waiting, running: runningWeight }),
  });
  const others = createUpstreamLimits({
    bounds: () => ({ start: flag.settings.min_concurrency, max: flag.settings.max_concurrency }),
    logger,
    onEvent,
  });

  const places = createPlaces({
    limits: others,
    isLimited: () => flag.enabled,
    now: () => clock.now(),
    onFree: () => dispatch(),
  });

  const mayRun = (entry: Entry): boolean => {
    const { limit } = current;
    if (entry.isBackground && backgroundWeight > 0) {
      const share = limit - Math.max(1, Math.ceil(limit * reservedShare));
      if (backgroundWeight + entry.weightIn(limit) > share) {
        heldBack = true;
        return false;
      }
    }
    return places.mayTake(entry);
  };

  /** Check and book in one synchronous step. A heavy task whose turn it is gets the next slots: no lighter one passes it. */
  const dispatch = () => {
    const { limit } = current;
    places.resume();
    while (queue.waiting > 0) {
      const entry = queue.first(mayRun);
      const weight = entry?.weightIn(limit) ?? 0;
      if (entry === undefined) break;
      if (runningWeight + weight > limit) {
        heldBack = true;
        break;
      }
      queue.take(entry);
      entry.state = 'running';
      entry.booked = weight;
      runningWeight += weight;
      if (entry.isBackground) backgroundWeight += weight;
      places.take(entry);
      running.add(entry);
      start(entry.begin);
    }
  };

  const release = (entry: Entry) => {
    entry.state = 'ended';
    runningWeight -= entry.booked;
    if (entry.isBackground) backgroundWeight -= entry.booked;
    places.end(entry);
    running.delete(entry);
    endedSinceLook++;
    dispatch();
    if (running.size === 0) whenIdle();
  };

  // A share of time needs two looks: the first one is taken now.
  current.sample(clock.now(), { isUsed: false, ended: 0 });
  const stopLooking = clock.every(sampleEveryMs, () => {
    const perSecond = (endedSinceLook * 1000) / sampleEveryMs;
    endedPerSecond += (perSecond - endedPerSecond) * 0.1;
    current.sample(clock.now(), { isUsed: heldBack, ended: endedSinceLook });
    endedSinceLook = 0;
    heldBack = false;
    dispatch();
  });

  const retryAfterSeconds = (waiting: number) =>
    Math.min(maxRetryAfterSeconds, Math.max(1, Math.ceil(waiting / Math.max(1, endedPerSecond))));

  function run<T>(task: Task<T>, options: TaskOptions): Promise<T> {
    const { kind, signal, deadlineMs, upstream, maxPauseMs } = options;
    const entry = new Entry(options, clock.now(), arrivals++, flag.settings.ageing_seconds * 1000);
    entry.permit = places.permitOf(entry);
    const tellEnd = (outcome: TaskOutcome) => {
      const durationSeconds = entry.booked === 0 ? 0 : (clock.now() - entry.startedMs) / 1000;
      onEvent({ type: 'task_ended', kind, outcome, durationSeconds });
    };
    const refused = (reason: unknown, outcome: TaskOutcome) => {
      tellEnd(outcome);
      return Promise.reject(reason);
    };
    if (isClosed) return refused(schedulerClosed(), 'refused');
    if (signal?.aborted) return refused(signal.reason, 'cancelled');
    const waiting = queue.waitingLike(entry);
    if (waiting >= flag.settings.max_waiting) return refused(queueFull(waiting, retryAfterSeconds(waiting)), 'refused');
    const pauseMs = upstream === undefined || !flag.enabled ? 0 : others.pauseMs(upstream, clock.now());
    if (upstream !== undefined && pauseMs > (maxPauseMs ?? pauseMs)) {
      return refused(upstreamPaused(upstream, pauseMs), 'refused');
    }

    return new Promise<T>((resolve, reject) => {
      let givenUpAs: TaskOutcome | undefined;
      let forgetCaller = () => {};
      const ended = (outcome: TaskOutcome) => {
        forgetCaller();
        tellEnd(givenUpAs ?? outcome);
        release(entry);
      };
      entry.begin = () => {
        entry.startedMs = clock.now();
        if (givenUpAs !== undefined) {
          ended(givenUpAs);
          return;
        }
        onEvent({ type: 'task_started', kind, waitSeconds: (entry.startedMs - entry.enqueuedMs) / 1000 });
        Promise.resolve(entry)
          .then(task)
          .then(
            (value) => {
              resolve(value);
              ended('completed');
            },
            (error) => {
              reject(error);
              ended('failed');
            },
          );
      };
      entry.giveUp = (reason, outcome) => {
        if (entry.state === 'ended' || givenUpAs !== undefined) return;
        givenUpAs = outcome;
        forgetCaller();
        reject(reason);
        if (entry.state === 'running') {
          entry.abort(reason);
          return;
        }
        entry.state = 'ended';
        queue.leave(entry);
        tellEnd(outcome);
      };
      if (signal !== undefined || deadlineMs !== undefined) forgetCaller = followCaller(entry, clock);
      queue.push(entry);
      dispatch();
    });
  }

  return {
    run,
    observeUpstream(event) {
      others.observe(event, clock.now());
      if (event.type === 'attempt' || event.type === 'answering') dispatch();
    },
    state: () => ({
      limit: current.limit,
      reason: current.reason,
      running: runningWeight,
      waiting: queue.waiting,
      load: current.readings,
      upstreams: others.state(),
    }),
    async close() {
      if (isClosed) return;
      isClosed = true;
      stopLooking();
      for (let next = queue.first(() => true); next; next = queue.first(() => true)) {
        next.giveUp(schedulerClosed(), 'cancelled');
      }
      for (const entry of running) entry.giveUp(schedulerClosed(), 'cancelled');
      if (running.size > 0) {
        await new Promise<void>((resolve) => {
          const stopWaiting = clock.after(closeWithinMs, resolve);
          whenIdle = () => {
            stopWaiting();
            resolve();
          };
        });
      }
      for (const signal of signals) signal.close();
    },
  };
}

/** Gives the task up when its caller does, or at its deadline. Returns what lets go of both. */
function followCaller(entry: Entry, clock: Clock): () => void {
  const { signal, deadlineMs } = entry.options;
  const onAbort = () => entry.giveUp(signal?.reason, 'cancelled');
  if (signal !== undefined) {
    // A batch gives all its tasks one signal; there is no number of them that would mean a leak.
    setMaxListeners(0, signal);
    signal.addEventListener('abort', onAbort, { once: true });
  }
  const stopDeadline =
    deadlineMs === undefined
      ? () => {}
      : clock.after(deadlineMs, () => entry.giveUp(deadlinePassed(deadlineMs, entry.state === 'running'), 'expired'));
  return () => {
    signal?.removeEventListener('abort', onAbort);
    stopDeadline();
  };
}
