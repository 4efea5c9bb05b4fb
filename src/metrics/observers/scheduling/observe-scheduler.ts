import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { EngineEvent, SchedulerEvent, SchedulerState } from '../../../scheduler/index.js';
import { HotHistogram } from '../../hot-series.js';
import { askedGauges, type Watch } from '../asked-gauges.js';
import { taskSeconds } from '../buckets.js';

/**
 * What the scheduler decides: its limit and why, how long tasks wait and run, how they end.
 * @source story-17.4 task 3; product contract, Settled details (`canvas_scheduler_limit`, `_running`, `_waiting`)
 */
export function observeScheduler(registry: Registry): (event: SchedulerEvent) => void {
  const registers = [registry];
  const changes = new Counter({
    name: 'canvas_scheduler_limit_changes_total',
    help: 'Times that the limit changed, or the reason why it did not',
    labelNames: ['reason', 'direction'],
    registers,
  });
  const upstreamLimit = new Gauge({
    name: 'canvas_scheduler_upstream_limit',
    help: 'How much another server takes at once, as far as learnt',
    labelNames: ['upstream'],
    registers,
  });
  const upstreamChanges = new Counter({
    name: 'canvas_scheduler_upstream_limit_changes_total',
    help: 'Times that the limit of another server changed',
    labelNames: ['upstream', 'reason'],
    registers,
  });
  const waits = new HotHistogram(
    registry,
    'canvas_scheduler_wait_seconds',
    'Time from asking for a task to its start',
    ['kind'],
    taskSeconds,
  );
  const runs = new HotHistogram(
    registry,
    'canvas_scheduler_task_seconds',
    'Time that a task ran',
    ['kind', 'outcome'],
    taskSeconds,
  );

  const directionOf = (limit: number, previous: number) => {
    if (limit === previous) return 'none';
    return limit > previous ? 'up' : 'down';
  };

  return (event) => {
    switch (event.type) {
      case 'limit':
        changes.inc({ reason: event.reason, direction: directionOf(event.limit, event.previous) });
        break;
      case 'upstream_limit':
        upstreamLimit.set({ upstream: event.upstream }, event.limit);
        upstreamChanges.inc({ upstream: event.upstream, reason: event.reason });
        break;
      case 'task_started':
        waits.bind(event.kind).observe(event.waitSeconds);
        break;
      case 'task_ended':
        runs.bind(event.kind, event.outcome).observe(event.durationSeconds);
        break;
    }
  };
}

/**
 * Jobs as they are accepted and end.
 * @source story-17.4 ADR-0004
 */
export function observeJobs(registry: Registry): (event: EngineEvent) => void {
  const tasks = new Counter({
    name: 'canvas_job_tasks_total',
    help: 'Tasks of accepted jobs',
    registers: [registry],
  });
  const jobs = new Histogram({
    name: 'canvas_job_seconds',
    help: 'Time from accepting a job to its end',
    labelNames: ['status'],
    buckets: taskSeconds,
    registers: [registry],
  });
  return (event) => {
    if (event.type === 'job_accepted') tasks.inc(event.tasks);
    else jobs.observe({ status: event.status }, event.durationSeconds);
  };
}

/**
 * What of the scheduler's state is shown.
 * @source product contract, Settled details (Monitoring)
 */
export type WatchedScheduler = Pick<SchedulerState, 'limit' | 'running' | 'waiting' | 'load'>;

/**
 * Gauges of the scheduler, asked for at each scrape.
 * @source product contract, Settled details (`canvas_scheduler_limit`, `_running`, `_waiting`)
 */
export function watchScheduler(registry: Registry): Watch<WatchedScheduler> {
  const idle: WatchedScheduler = { limit: 0, running: 0, waiting: 0, load: {} };
  let state = () => idle;
  const watchSlots = askedGauges(registry, idle, {
    canvas_scheduler_limit: ['How many slots there are now', ({ limit }) => limit],
    canvas_scheduler_running: ['Slots that are taken now', ({ running }) => running],
    canvas_scheduler_waiting: ['Tasks that wait now', ({ waiting }) => waiting],
  });
  new Gauge({
    name: 'canvas_scheduler_load_ratio',
    help: 'Load that the limit follows, as a share of what there is',
    labelNames: ['signal'],
    registers: [registry],
    collect() {
      const { cpu, memory } = state().load;
      if (cpu !== undefined) this.set({ signal: 'cpu' }, cpu);
      if (memory !== undefined) this.set({ signal: 'memory' }, memory);
    },
  });
  return (read) => {
    state = read;
    watchSlots(read);
  };
}
