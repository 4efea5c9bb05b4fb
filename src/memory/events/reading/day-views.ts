/**
 * The days that are in memory: those that are asked for, and the latest 30 from the start on. Of the latest 7 the events
 * themselves are kept, within half of the memory; of the others only what finds them. When all takes too much, the
 * oldest day goes. A view is always whole: what is appended while it is read from its file is read, too.
 */
import type { Clock } from '../clock.js';
import { dayOf } from '../event-time.js';
import { valuesOf } from '../learning-event.js';
import type { DayFiles } from '../storage/day-files.js';
import type { StoredEvent } from '../storage/event-appender.js';
import { lineText, lineTime } from '../storage/event-line.js';
import { eachLineOfDay } from '../storage/load-ids.js';
import { DayView } from './day-view.js';

/**
 * How many days are kept with their events and as columns, and the memory for all of it.
 * @source product contract, Optimisations (`temporal_partitions`: "7-day and 30-day views")
 */
export interface PartitionSettings {
  hot_days: number;
  warm_days: number;
  max_bytes: number;
}

/** @source story-17.4 task 6 (hot views) */
export class DayViews {
  readonly #files: DayFiles;
  readonly #clock: Pick<Clock, 'wall'>;
  readonly #settings: () => PartitionSettings;
  readonly #views = new Map<number, DayView>();
  readonly #loading = new Map<number, Promise<DayView>>();

  constructor(files: DayFiles, clock: Pick<Clock, 'wall'>, settings: () => PartitionSettings) {
    this.#files = files;
    this.#clock = clock;
    this.#settings = settings;
  }

  get bytes(): number {
    let sum = 0;
    for (const view of this.#views.values()) sum += view.bytes;
    return sum;
  }

  /** Whether a day is too large to be taken into memory at all. */
  isTooLarge(day: number): boolean {
    return this.#files.length(day) > this.#settings().max_bytes;
  }

  /**
   * The view of a day, read from its file when it is not in memory.
   * @throws the system's error
   */
  async get(day: number): Promise<DayView> {
    const view = this.#views.get(day);
    if (view) return view;
    let loading = this.#loading.get(day);
    if (!loading) {
      loading = this.#load(day).finally(() => this.#loading.delete(day));
      this.#loading.set(day, loading);
    }
    return loading;
  }

  /** Takes over what has just become durable. */
  stored(events: readonly StoredEvent[]): void {
    for (const { event, day, offset, length } of events) {
      const { timestampMs, values, text } = event;
      this.#views.get(day)?.add({ timestampMs, offset }, length, values, text);
    }
    this.#trim();
  }

  drop(day: number): void {
    this.#views.delete(day);
  }

  /** Reads the latest days; ends early when they fill the memory. */
  async warm(isStopped: () => boolean): Promise<void> {
    const today = dayOf(this.#clock.wall());
    const { warm_days, max_bytes } = this.#settings();
    for (const day of [...this.#files.days].reverse()) {
      if (day <= today - warm_days || isStopped() || this.bytes > max_bytes / 2) return;
      if (!this.isTooLarge(day)) await this.get(day);
    }
  }

  #keepsTexts(day: number): boolean {
    return day > dayOf(this.#clock.wall()) - 1 - this.#settings().hot_days;
  }

  async #load(day: number): Promise<DayView> {
    const view = new DayView(this.#keepsTexts(day));
    let read = 0;
    while (this.#files.length(day) > read) {
      const length = this.#files.length(day);
      const isDamaged = await eachLineOfDay(this.#files, day, read, length, (buffer, start, end, offset) => {
        const text = lineText(buffer, start, end);
        const position = { timestampMs: lineTime(buffer, start), offset };
        view.add(position, end + 1 - start, valuesOf(JSON.parse(text)), text);
        if (view.textBytes > this.#mostTextBytes()) view.dropTexts();
      });
      view.isDamaged ||= isDamaged;
      read = length;
    }
    if (this.#files.has(day)) this.#views.set(day, view);
    this.#trim();
    return view;
  }

  #mostTextBytes(): number {
    const { max_bytes, hot_days } = this.#settings();
    return max_bytes / 2 / (hot_days + 1);
  }

  #trim(): void {
    const most = this.#mostTextBytes();
    for (const [day, view] of this.#views) {
      if (view.keepsTexts && (view.textBytes > most || !this.#keepsTexts(day))) view.dropTexts();
    }
    let bytes = this.bytes;
    const { max_bytes } = this.#settings();
    if (bytes <= max_bytes) return;
    for (const day of [...this.#views.keys()].sort((a, b) => a - b)) {
      bytes -= this.#views.get(day)?.bytes ?? 0;
      this.#views.delete(day);
      if (bytes <= max_bytes) return;
    }
  }
}
