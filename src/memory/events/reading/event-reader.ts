import { dayName } from '../event-time.js';
import type { DayFiles } from '../storage/day-files.js';
import { isWholeLine, lineText } from '../storage/event-line.js';
import type { DayView, ViewRow } from './day-view.js';
import type { DayViews } from './day-views.js';
import type { EventPage, EventPosition, EventQuery, EventReader } from './event-query.js';
import { type OnDamaged, scanDays } from './scan-days.js';

/** Lines that lie so near to each other are read at once. */
const nearBytes = 16 * 1024;
const mostReadBytes = 1024 * 1024;

interface DayPage {
  texts: string[];
  /** The last event of the page in this day, whether its text could be read or not. */
  last: EventPosition | undefined;
  hasMore: boolean;
  scanned: number;
  isDamaged: boolean;
}

/**
 * The partitioned way: opens the days that the range needs, newest first, only until the page is full, and looks at
 * columns in memory instead of events.
 * @source story-17.4 task 6 (query router); product contract, Optimisations (`temporal_partitions`)
 */
export class PartitionedEventReader implements EventReader {
  readonly #files: DayFiles;
  readonly #views: DayViews;
  readonly #onDamaged: OnDamaged;

  constructor(files: DayFiles, views: DayViews, onDamaged: OnDamaged) {
    this.#files = files;
    this.#views = views;
    this.#onDamaged = onDamaged;
  }

  async read(query: EventQuery): Promise<EventPage> {
    const toMs = query.after ? Math.min(query.toMs, query.after.timestampMs + 1) : query.toMs;
    const page: EventPage = { texts: [], next: undefined, partitions: [], scanned: 0, incomplete: [] };
    let last: EventPosition | undefined;
    // With a full page the days that are left are only looked at for whether there is anything more.
    for (const day of this.#files.within(query.fromMs, toMs)) {
      const read = await this.#readDay(day, { ...query, limit: query.limit - page.texts.length });
      page.partitions.push(dayName(day));
      page.scanned += read.scanned;
      page.texts.push(...read.texts);
      if (read.isDamaged) page.incomplete.push(dayName(day));
      last = read.last ?? last;
      if (!read.hasMore) continue;
      page.next = last && { timestampMs: last.timestampMs, offset: last.offset };
      break;
    }
    return page;
  }

  async #readDay(day: number, query: EventQuery): Promise<DayPage> {
    if (this.#views.isTooLarge(day)) return this.#scanDay(day, query);
    try {
      const view = await this.#views.get(day);
      if (view.isDamaged) this.#onDamaged(day);
      const { rows, scanned } = view.find(query, query.limit + 1);
      const wanted = rows.slice(0, query.limit);
      const { texts, isDamaged } = await this.#texts(day, view, wanted);
      const hasMore = rows.length > query.limit;
      return { texts, last: wanted.at(-1), hasMore, scanned, isDamaged: view.isDamaged || isDamaged };
    } catch (error) {
      this.#views.drop(day);
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      // The retention may have removed it since.
      const isDamaged = this.#files.has(day);
      if (isDamaged) this.#onDamaged(day, error);
      return { texts: [], last: undefined, hasMore: false, scanned: 0, isDamaged };
    }
  }

  async #scanDay(day: number, query: EventQuery): Promise<DayPage> {
    const { found, hasMore, scanned, incomplete } = await scanDays(this.#files, [day], query, this.#onDamaged);
    const texts = found.map(({ text }) => text);
    return { texts, last: found.at(-1), hasMore, scanned, isDamaged: incomplete.length > 0 };
  }

  /** The events of rows, in their order; a line that is no longer whole is left out. */
  async #texts(day: number, view: DayView, rows: ViewRow[]): Promise<{ texts: string[]; isDamaged: boolean }> {
    const texts = new Map<number, string>();
    const unread: ViewRow[] = [];
    for (const row of rows) {
      const text = view.text(row.row);
      if (text === undefined) unread.push(row);
      else texts.set(row.row, text);
    }
    let isDamaged = false;
    for (const run of runsOf(unread)) {
      const start = run[0]?.offset ?? 0;
      const end = run.reduce((furthest, { offset, length }) => Math.max(furthest, offset + length), start);
      const bytes = await this.#files.read(day, start, end);
      for (const { row, offset, length } of run) {
        const at = offset - start;
        if (at + length <= bytes.length && isWholeLine(bytes, at, at + length - 1)) {
          texts.set(row, lineText(bytes, at, at + length - 1));
        } else isDamaged = true;
      }
    }
    if (isDamaged) {
      this.#views.drop(day);
      this.#onDamaged(day);
    }
    return { texts: rows.flatMap(({ row }) => texts.get(row) ?? []), isDamaged };
  }
}

/** Rows whose lines are read together. */
function runsOf(rows: readonly ViewRow[]): ViewRow[][] {
  const runs: ViewRow[][] = [];
  for (const row of [...rows].sort((a, b) => a.offset - b.offset)) {
    const run = runs.at(-1);
    const [first, last] = [run?.[0], run?.at(-1)];
    const isNear = last !== undefined && row.offset - (last.offset + last.length) <= nearBytes;
    if (run && isNear && row.offset + row.length - (first?.offset ?? 0) <= mostReadBytes) run.push(row);
    else runs.push([row]);
  }
  return runs;
}
