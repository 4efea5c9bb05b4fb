import type { Permit } from '../../upstream/index.js';
import type { TaskOutcome } from '../events.js';
import { isBackground, type TaskContext, type TaskOptions } from '../task.js';

/**
 * One task from its arrival to its end, as the queue and the booking see it.
 * @source story-17.4 task 3
 */
export class Entry implements TaskContext {
  readonly options: TaskOptions;
  readonly enqueuedMs: number;
  readonly isBackground: boolean;
  state: 'waiting' | 'running' | 'ended' = 'waiting';
  /** Slots that are booked while it runs. */
  booked = 0;
  startedMs = 0;
  permit: Permit | undefined;
  /** Begins the work, once its slots are booked. */
  begin: () => void = () => {};
  /** Answers the caller at once; what runs is told to end. */
  giveUp: (reason: unknown, outcome: TaskOutcome) => void = () => {};
  readonly #rank: number;
  readonly #order: number;
  #controller: AbortController | undefined;
  #aborted: { reason: unknown } | undefined;

  /**
   * @param order counts up, so that equal ranks keep their order
   * @param ageingMs the wait that outweighs one step of priority
   */
  constructor(options: TaskOptions, enqueuedMs: number, order: number, ageingMs: number) {
    this.options = options;
    this.enqueuedMs = enqueuedMs;
    this.isBackground = isBackground(options.kind);
    this.#order = order;
    this.#rank = enqueuedMs - (options.priority ?? (this.isBackground ? 1 : 5)) * ageingMs;
  }

  /** Slots that it takes of so many. */
  weightIn(limit: number): number {
    return Math.min(limit, Math.max(1, Math.ceil(this.options.weight ?? 1)));
  }

  isBefore(other: Entry): boolean {
    return this.#rank < other.#rank || (this.#rank === other.#rank && this.#order < other.#order);
  }

  /** Made when it is first asked for: most tasks never do. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort(this.#aborted.reason);
    return this.#controller.signal;
  }

  get isAborted(): boolean {
    return this.#aborted !== undefined;
  }

  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#controller?.abort(reason);
  }
}
