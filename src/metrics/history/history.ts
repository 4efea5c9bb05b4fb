/**
 * What the service said of itself over the last quarter of an hour, hour and day, in memory of fixed size, kept across
 * restarts in one small file. It promises no more than pictures need: a crash takes up to a minute of them, and a file
 * that cannot be read is begun anew.
 */
import type { Logger } from '../../logger.js';
import { type Clock, systemClock } from '../clock.js';
import { namedColumns, rowOf, shownColumns } from './columns.js';
import { decodeHistory, encodeHistory, readHistoryFile, writeHistoryFile } from './history-file.js';
import type { LimitChanges } from './limit-changes.js';
import { joinedPoints, type Resolution, Ring } from './ring.js';
import { type Frame, keptSeries } from './series.js';

/**
 * The ranges of time that are kept.
 * @source product contract, Monitoring (`GET /dashboard`)
 */
export const historyRanges = ['15m', '1h', '24h'] as const;

/** @source product contract, Monitoring (`GET /dashboard`) */
export type HistoryRange = (typeof historyRanges)[number];

const resolutions: Record<HistoryRange, Omit<Resolution, 'range'>> = {
  '15m': { stepSeconds: 5, points: 180 },
  '1h': { stepSeconds: 20, points: 180 },
  '24h': { stepSeconds: 300, points: 288 },
};
const saveEveryMs = 60_000;
const nowSeconds = 60;

/** A row: the time in epoch seconds, then a value for each column. @source product contract, Monitoring */
export type HistoryRow = (number | null)[];

/**
 * One range of time, oldest point first; where nothing was seen there is no point.
 * @source product contract, Monitoring (`GET /dashboard`)
 */
export interface HistoryTable {
  range: HistoryRange;
  step_seconds: number;
  columns: string[];
  points: HistoryRow[];
}

/** @source product contract, Monitoring (`GET /dashboard`) */
export interface History {
  /** Takes a sample of how things are now. */
  sample(): Promise<Frame>;
  table(range: HistoryRange): HistoryTable;
  /** The newest point of each range, which may still change; undefined before the second sample. */
  newest(range: HistoryRange): HistoryRow | undefined;
  /** The columns over the last minute. */
  lastMinute(): Record<string, number | null>;
  /** Writes the file once more. */
  close(): Promise<void>;
}

/**
 * `read` is told how many seconds have passed since it was last asked.
 * @source product contract, Monitoring (`GET /dashboard`)
 */
export interface HistoryOptions {
  file: string;
  read(elapsedSeconds: number): Promise<Frame>;
  limitChanges: LimitChanges;
  logger: Logger;
  clock?: Pick<Clock, 'now' | 'wall' | 'every'>;
}

/**
 * Opens the history and goes on with what the file holds.
 * @source product contract, Monitoring (`GET /dashboard`); Promises 6
 */
export async function openHistory(options: HistoryOptions): Promise<History> {
  const { file, read, limitChanges, logger, clock = systemClock } = options;
  const rings = new Map<HistoryRange, Ring>(
    historyRanges.map((range) => [range, new Ring({ range, ...resolutions[range] }, keptSeries)]),
  );
  const ringOf = (range: HistoryRange) => rings.get(range) as Ring;
  let before: Float64Array | undefined;
  let beforeMs = clock.now();
  let saving = Promise.resolve();
  let saidWhy = false;

  try {
    const content = await readHistoryFile(file);
    if (content !== undefined) limitChanges.restore(decodeHistory(content, [...rings.values()], keptSeries));
  } catch (error) {
    logger.warn({ reason: (error as Error).message }, 'the history of the dashboard cannot be read and begins anew');
  }

  const save = () => {
    const write = async () => {
      try {
        await writeHistoryFile(file, encodeHistory([...rings.values()], keptSeries, limitChanges.recent()));
        saidWhy = false;
      } catch (error) {
        if (!saidWhy) logger.warn({ err: error }, 'the history of the dashboard cannot be written');
        saidWhy = true;
      }
    };
    saving = saving.then(write);
    return saving;
  };
  const stopSaving = clock.every(saveEveryMs, () => void save());

  /** What each counter gained, and everything else as it is. A counter below its last value began anew. */
  const gained = (now: Float64Array, last: Float64Array) =>
    now.map((value, index) => {
      const previous = last[index] as number;
      if (keptSeries[index]?.kind !== 'count' || Number.isNaN(previous)) return value;
      return value < previous ? value : value - previous;
    });

  return {
    async sample() {
      const elapsedSeconds = (clock.now() - beforeMs) / 1000;
      beforeMs = clock.now();
      const frame = await read(elapsedSeconds);
      const now = Float64Array.from(keptSeries, (series) => series.read(frame));
      if (before !== undefined) {
        const sample = gained(now, before);
        for (const ring of rings.values()) ring.add(clock.wall() / 1000, elapsedSeconds, sample);
      }
      before = now;
      return frame;
    },
    table(range) {
      const ring = ringOf(range);
      return {
        range,
        step_seconds: ring.resolution.stepSeconds,
        columns: ['time', ...shownColumns.map(({ name }) => name)],
        points: Array.from(ring.points(clock.wall() / 1000), ([start, point]) => rowOf(start, point)),
      };
    },
    newest(range) {
      const last = [...ringOf(range).points(clock.wall() / 1000)].at(-1);
      return last && rowOf(...last);
    },
    lastMinute() {
      const wallSeconds = clock.wall() / 1000;
      const points = [...ringOf('15m').points(wallSeconds)].filter(([start]) => start > wallSeconds - nowSeconds);
      return namedColumns(
        joinedPoints(
          points.map(([, point]) => point),
          keptSeries,
        ),
      );
    },
    async close() {
      stopSaving();
      await save();
    },
  };
}
