export { type After, afterTimeout } from './after.js';
export { atOnce, backgroundOf, type InBackground, isStopping } from './background.js';
export type { LimitReason, LoadReadings } from './capacity/capacity.js';
export type { Clock as SchedulerClock } from './clock.js';
export {
  type EngineEvent,
  type EngineOptions,
  type ExecutionEngine,
  openExecutionEngine,
} from './engine/execution-engine.js';
export {
  type Job,
  type JobEvent,
  type JobRequest,
  type JobStatus,
  type JobTask,
  type JobTaskRequest,
  jobSchema,
  jobStatusSchema,
} from './engine/job.js';
export type { SchedulerEvent, TaskOutcome } from './events.js';
export type { LoadName, LoadSignal } from './load/load-signal.js';
export { openMemorySignal } from './load/memory-signal.js';
export { openScheduler, type Scheduler, type SchedulerOptions, type SchedulerState } from './scheduler.js';
export type { SchedulerSettings } from './settings.js';
export { createSettledPasses, type SettledPasses } from './settled-passes.js';
export type { Task, TaskContext, TaskKind, TaskOptions } from './task.js';
