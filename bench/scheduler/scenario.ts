import os from 'node:os';

/**
 * One way to load the machine or the endpoint, and the tasks that are run meanwhile.
 * @source story-17.4 task 3
 */
export interface Scenario {
  name: ScenarioName;
  title: string;
  /** Heap of the process that runs the tasks, in MiB; it dies when it needs more. */
  heapMiB: number;
  /** Processes beside it that keep a core busy each. */
  hogs: number;
  /** How many requests the endpoint takes at once; it refuses others (429). */
  endpointTakes?: number;
}

/** @source story-17.4 task 3 */
export type ScenarioName = 'calm' | 'cpu' | 'waiting' | 'memory' | 'endpoint' | 'bursts';

const everyCore = os.availableParallelism();

/** How many requests the endpoint of the scenario takes at once. @source story-17.4 task 3 */
export const endpointTakes = 20;

/**
 * All scenarios, in the order of the document.
 * @source story-17.4 task 3
 */
export const scenarios: readonly Scenario[] = [
  { name: 'calm', title: 'calm: tasks that wait 200 ms', heapMiB: 512, hogs: 0 },
  {
    name: 'cpu',
    title: 'CPU hogs on every core: tasks that compute 5 ms and wait 5 ms',
    heapMiB: 512,
    hogs: everyCore,
  },
  { name: 'waiting', title: 'CPU hogs on every core: tasks that wait 200 ms', heapMiB: 512, hogs: everyCore },
  { name: 'memory', title: 'memory: tasks that hold 8 MB for 300 ms, a heap of 192 MiB', heapMiB: 192, hogs: 0 },
  {
    name: 'endpoint',
    title: `endpoint that takes ${endpointTakes} requests at once, 250 ms each, and refuses others`,
    heapMiB: 512,
    hogs: 0,
    endpointTakes,
  },
  { name: 'bursts', title: 'bursts: 60 tasks of 100 ms each second', heapMiB: 512, hogs: 0 },
];

/**
 * Who runs the tasks: ours, p-queue at a fixed concurrency, or crawlee's AutoscaledPool.
 * @source issue figures ("compares the scheduler with p-queue at every fixed concurrency, and with crawlee")
 */
export type Runner = 'scheduler' | 'crawlee' | `p-queue ${number}`;

/**
 * What one run of one runner measured. `died`: the process ended for lack of memory, and nothing else is known.
 * `p95Ms` is from the start of a task to its end, in bursts from its arrival. `decisions` are the scheduler's: each limit
 * with its value at the end, and how often it was changed for which reason.
 * @source product contract, promise 7
 */
export interface RunResult {
  died: boolean;
  perSecond: number;
  failed: number;
  p95Ms: number;
  peakMiB: number;
  decisions: string;
}
