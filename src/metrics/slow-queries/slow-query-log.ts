/**
 * Notes queries that took longer than a threshold: what kind of query, how it is read, how long it took. Nobody waits for
 * it: an event costs one comparison, all else happens after the answer, one query at a time, and what comes faster than
 * that is counted only. When the file cannot be written that is said once, until it can be again.
 */
import path from 'node:path';
import { Counter, type Registry } from 'prom-client';
import type { Logger } from '../../logger.js';
import { BoundedLines } from './bounded-lines.js';
import type { AnsweredQuery } from './slow-query.js';

/**
 * `slowQueryMs`: the threshold; 0 leaves it off. `wall`: epoch milliseconds.
 * @source issue "slow-query log"
 */
export interface SlowQueryLogOptions {
  dataDir: string;
  slowQueryMs: number;
  logger: Logger;
  maxFileBytes?: number;
  wall?(): number;
}

/** @source issue "slow-query log" */
export interface SlowQueryLog {
  /** Notes nothing before. The file is `logs/slow-queries.jsonl` in the data folder. */
  open(options: SlowQueryLogOptions): void;
  observe(query: AnsweredQuery | undefined): void;
  /** @returns what hears of each event and then looks whether it tells of a slow query */
  also<Event>(
    hear: (event: Event) => void,
    queryOf: (event: Event) => AnsweredQuery | undefined,
  ): (event: Event) => void;
  /** Resolves when nothing waits to be written. */
  idle(): Promise<void>;
  /** What is asked from now on is not noted; resolves as `idle`. Before the parts close: plans are asked of them. */
  close(): Promise<void>;
}

const MiB = 1024 * 1024;
const defaultFileBytes = 4 * MiB;
/** A burst of slow queries is told by its first ones; the counter tells the rest. */
const maxWaiting = 100;
const maxLineLength = 4096;
/** A plan is worth less than the peace of a database that is slow already. */
const explainWithinMs = 2000;

interface OpenLog {
  file: BoundedLines;
  slowQueryMs: number;
  logger: Logger;
  wall(): number;
}

/** @source issue "slow-query log" */
export function createSlowQueryLog(registry: Registry): SlowQueryLog {
  const registers = [registry];
  const slow = new Counter({
    name: 'canvas_slow_queries_total',
    help: 'Queries that took longer than the threshold of the slow-query log',
    labelNames: ['operation'],
    registers,
  });
  const lines = new Counter({
    name: 'canvas_slow_query_lines_total',
    help: 'Lines for the slow-query log, by what became of them',
    labelNames: ['outcome'],
    registers,
  });
  const waiting: { query: AnsweredQuery; at: number }[] = [];
  let log: OpenLog | undefined;
  let writing: Promise<void> | undefined;
  let isFailing = false;
  const explained = oneAtATime();

  async function write({ file, logger }: OpenLog, query: AnsweredQuery, at: number): Promise<void> {
    const line = await lineOf(query, at, explained);
    try {
      await file.append([line]);
      lines.inc({ outcome: 'written' });
      if (isFailing) logger.info('the slow-query log can be written again');
      isFailing = false;
    } catch (error) {
      lines.inc({ outcome: 'failed' });
      if (!isFailing)
        logger.warn({ err: error }, 'the slow-query log cannot be written; slow queries are only counted');
      isFailing = true;
    }
  }

  async function writeAll(to: OpenLog): Promise<void> {
    for (let next = waiting.shift(); next; next = waiting.shift()) await write(to, next.query, next.at);
    writing = undefined;
  }

  async function idle(): Promise<void> {
    while (writing) await writing;
  }

  function observe(query: AnsweredQuery | undefined): void {
    const to = log;
    if (query === undefined || to === undefined || query.durationSeconds * 1000 < to.slowQueryMs) return;
    slow.inc({ operation: query.operation });
    if (waiting.length >= maxWaiting) {
      lines.inc({ outcome: 'dropped' });
      return;
    }
    waiting.push({ query, at: to.wall() });
    writing ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => writeAll(to));
  }

  return {
    open({ dataDir, slowQueryMs, logger, maxFileBytes = defaultFileBytes, wall = Date.now }) {
      if (slowQueryMs === 0) return;
      const file = new BoundedLines({
        file: path.join(dataDir, 'logs', 'slow-queries.jsonl'),
        maxBytes: maxFileBytes,
      });
      log = { file, slowQueryMs, logger, wall };
    },
    observe,
    also: (hear, queryOf) => (event) => {
      hear(event);
      observe(queryOf(event));
    },
    idle,
    close() {
      log = undefined;
      return idle();
    },
  };
}

async function lineOf(query: AnsweredQuery, at: number, explained: ReturnType<typeof oneAtATime>): Promise<string> {
  const { operation, durationSeconds, rows, asked } = query;
  const told = {
    time: new Date(at).toISOString(),
    operation,
    duration_ms: Math.round(durationSeconds * 1e6) / 1000,
    ...(rows === undefined ? {} : { rows }),
  };
  try {
    const { shape, explain } = asked?.() ?? { shape: {} };
    const { plan, indexes, tableVersion: table_version } = (explain && (await explained(explain))) ?? {};
    const line = JSON.stringify({ ...told, shape, plan, indexes, table_version });
    return line.length <= maxLineLength ? line : JSON.stringify({ ...told, shape: 'too long to be told' });
  } catch {
    return JSON.stringify({ ...told, plan: 'could not be told' });
  }
}

type Explain = NonNullable<ReturnType<NonNullable<AnsweredQuery['asked']>>['explain']>;

/** A plan that nobody waits for any more is still being made: no other is asked for until then. */
function oneAtATime() {
  let isUnfinished = false;
  return async (explain: Explain) => {
    if (isUnfinished) return undefined;
    isUnfinished = true;
    const explaining = Promise.resolve()
      .then(explain)
      .finally(() => {
        isUnfinished = false;
      });
    return within(explaining);
  };
}

/** @returns undefined when it takes too long */
async function within<T>(given: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, explainWithinMs, undefined).unref();
  });
  try {
    return await Promise.race([given, late]);
  } finally {
    clearTimeout(timer);
  }
}
