/**
 * Work behind the scenes of the embedded graph memory: makes vectors that are missing, joins small pieces of data,
 * brings the indexes up to date. It begins a while after a change, and rests for many times as long as it took; what
 * fails is logged, counted and begun again later. Searches go on meanwhile, changes wait for the joining.
 */
import { optimizeTable, rowsWithoutText } from '../../../lance/index.js';
import type { Logger } from '../../../logger.js';
import { type After, isStopping } from '../../../scheduler/index.js';
import type { GraphEvent } from '../graph-event.js';
import type { FactVectors } from './fact-vectors.js';
import type { GraphTables } from './graph-tables.js';
import type { WriteQueue } from './write-queue.js';

/** @source product contract, Agents, memory */
export interface GraphUpkeepOptions {
  tables: GraphTables;
  vectors: FactVectors;
  writes: WriteQueue;
  /** Makes the joined data survive a power cut. */
  makeDurable(): Promise<void>;
  signal: AbortSignal;
  after: After;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  logger: Logger;
  onEvent(event: GraphEvent): void;
}

/** @source product contract, Agents, memory */
export interface GraphUpkeep {
  /** Something was stored or deleted. Cheap. */
  changed(): void;
  /** A vector could not be made: tried again in a minute. */
  retryLater(): void;
  /** Runs now, or joins what runs. Never throws. */
  run(): Promise<void>;
  close(): Promise<void>;
}

const delayMs = 5000;
const restRatio = 4;
const maxRestMs = 30_000;
const retryMs = 60_000;
/** The text of rows that no index covers is gone through by each search. */
const maxUnindexedRows = 500;
const maxFragments = 40;
const keepVersionsMs = 10 * 60_000;

/** Starts nothing by itself. @source product contract, Agents, memory */
export function createGraphUpkeep(options: GraphUpkeepOptions): GraphUpkeep {
  const { tables, vectors, writes, makeDurable, signal, after, now, logger, onEvent } = options;
  let cancel: (() => void) | undefined;
  let running: Promise<void> | undefined;
  let restsUntil = 0;

  async function tidy(): Promise<void> {
    const unindexed = (await rowsWithoutText(tables.facts, ['fact'])) ?? 0;
    let isChanged = false;
    for (const table of Object.values(tables)) {
      const { fragmentStats } = await table.stats();
      const isBehind = table === tables.facts && unindexed > maxUnindexedRows;
      if (!isBehind && fragmentStats.numFragments <= maxFragments) continue;
      signal.throwIfAborted();
      await writes.run(() => optimizeTable(table, keepVersionsMs));
      isChanged = true;
    }
    if (isChanged) await makeDurable();
  }

  async function runOnce(): Promise<void> {
    const startedAt = now();
    try {
      if (!vectors.isComplete()) await vectors.fill();
      await vectors.tidy();
      await tidy();
      restsUntil = now() + Math.min(maxRestMs, (now() - startedAt) * restRatio);
    } catch (error) {
      if (signal.aborted || isStopping(error)) return;
      logger.warn({ err: error }, 'upkeep of the graph memory broke off: tried again later');
      onEvent({ type: 'upkeep_failed' });
      retryLater();
    }
  }

  function schedule(waitMs: number): void {
    if (signal.aborted || cancel) return;
    cancel = after(waitMs, () => {
      cancel = undefined;
      void run();
    });
  }

  function run(): Promise<void> {
    running ??= runOnce().finally(() => {
      running = undefined;
    });
    return running;
  }

  const retryLater = () => schedule(retryMs);

  return {
    changed: () => schedule(Math.max(delayMs, restsUntil - now())),
    retryLater,
    run,
    async close() {
      cancel?.();
      await running;
    },
  };
}
