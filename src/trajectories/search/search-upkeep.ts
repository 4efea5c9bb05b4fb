/**
 * Work behind the scenes of the two searches: builds what is missing of the text indexes, fills the question vectors,
 * tidies their table. It begins once changes have been quiet for a while, or at the latest `maxDelayMs` after the first
 * of them; what fails is logged, counted and begun again later. Searches go on meanwhile.
 */
import {
  createTextIndex,
  readFresh,
  retryOnConflict,
  rowsWithoutText,
  type Table,
  tidyVectors,
} from '../../lance/index.js';
import type { Logger } from '../../logger.js';
import { type After, createSettledPasses, isStopping } from '../../scheduler/index.js';
import type { SearchEvent } from './search-event.js';
import type { FillingOutcome } from './similar/vector-filling.js';
import { type IndexTrust, searchedColumns } from './text/text-search.js';

/** @source product contract, Trajectories (`search/q`, `similar/{question}`) */
export interface SearchUpkeepOptions {
  trajectories: Table;
  vectors: Table;
  /** What could not be read is built anew. */
  trust: { text: IndexTrust; vectors: IndexTrust };
  /** Versions of the table of vectors on disk. */
  countVersions(): Promise<number>;
  fill(part: 'all' | 'end'): Promise<FillingOutcome>;
  /** Called after the first pass that left nothing out. */
  onFilled(): Promise<void>;
  /** Waited for before each step that takes long. */
  whenQuiet(): Promise<void>;
  after: After;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  signal: AbortSignal;
  logger: Logger;
  onEvent(event: SearchEvent): void;
}

/** @source product contract, Trajectories (`search/q`, `similar/{question}`) */
export interface SearchUpkeep {
  /** The trajectories may have changed. Cheap: call it after each commit. */
  changed(): void;
  /** Runs now, or joins what runs and runs once more; `isWhole` looks at all trajectories whenever that was done last. Never throws. */
  run(isWhole?: boolean): Promise<void>;
  /** Neighbourhoods of the vector index to look at. */
  probes(): number;
  /** Whether every question that was there at the last look has its vector. */
  isComplete(): boolean;
  close(): Promise<void>;
}

const quietMs = 1000;
const maxDelayMs = 10_000;
const retryMs = 60_000;
/** A pass over all trajectories is followed by so many times its own duration without another. */
const restRatio = 20;
const minRestMs = 5000;
/** Starts nothing by itself. @source product contract, Trajectories (`search/q`, `similar/{question}`) */
export function createSearchUpkeep(options: SearchUpkeepOptions): SearchUpkeep {
  const {
    trajectories,
    vectors,
    trust,
    countVersions,
    fill,
    onFilled,
    whenQuiet,
    after,
    now,
    signal,
    logger,
    onEvent,
  } = options;
  const passes = createSettledPasses({ pass: runOnce, quietMs, maxDelayMs, after, now, signal });
  let doneVersion: number | undefined;
  let isFilled = false;
  let nextWholeAt = 0;
  let isWholeAsked = false;
  let cancelWhole: (() => void) | undefined;
  let probes = 1;

  async function buildTextIndexes(): Promise<void> {
    const look = () => rowsWithoutText(trajectories, searchedColumns);
    const missed = trust.text.isBroken ? undefined : await readFresh(trajectories, look).catch(() => undefined);
    if (missed !== undefined || (await trajectories.countRows()) === 0) return;
    for (const column of searchedColumns) {
      await whenQuiet();
      signal.throwIfAborted();
      const startedAt = performance.now();
      await retryOnConflict(async () => {
        await trajectories.checkoutLatest();
        await createTextIndex(trajectories, column);
      });
      onEvent({ type: 'text_index_built', column, durationSeconds: secondsSince(startedAt) });
    }
    trust.text.isBroken = false;
  }

  async function runOnce(): Promise<void> {
    const isAsked = isWholeAsked;
    isWholeAsked = false;
    let isToBeRepeated = true;
    try {
      await whenQuiet();
      await trajectories.checkoutLatest();
      await buildTextIndexes();
      await trajectories.checkoutLatest();
      const version = await trajectories.version();
      if (version === doneVersion && !isAsked) return;
      const startedAt = now();
      const part = startedAt < nextWholeAt && !isAsked ? 'end' : 'all';
      const outcome = await fill(part);
      await whenQuiet();
      probes = await tidyVectors(vectors, {
        signal,
        isIndexBroken: trust.vectors.isBroken,
        countVersions,
        onIndexBuilt: (questions, durationSeconds) =>
          onEvent({ type: 'vector_index_built', questions, durationSeconds }),
      });
      trust.vectors.isBroken = false;
      isToBeRepeated = outcome.failed > 0;
      const endedAt = now();
      if (isToBeRepeated) nextWholeAt = 0;
      else if (part === 'all') nextWholeAt = endedAt + Math.max(minRestMs, (endedAt - startedAt) * restRatio);
      else scheduleWhole();
      const { reason, ...counts } = outcome;
      if (counts.refused > 0) logger.warn({ err: reason, ...counts }, 'the model refused questions: left out');
      if (isToBeRepeated) logger.warn({ err: reason, ...counts }, 'questions got no vectors: tried again later');
      else {
        doneVersion = version;
        if (!isFilled) await onFilled();
        isFilled = true;
      }
    } catch (error) {
      if (signal.aborted || isStopping(error)) return;
      logger.warn({ err: error }, 'upkeep of the search broke off: tried again later');
      onEvent({ type: 'upkeep_failed' });
    }
    if (isToBeRepeated) passes.runLater(retryMs);
  }

  function run(isWhole = false): Promise<void> {
    isWholeAsked ||= isWhole;
    return passes.run();
  }

  /** What a pass over the end has left out, if anything, and vectors that are of no use any more. */
  function scheduleWhole(): void {
    cancelWhole ??= after(Math.max(0, nextWholeAt - now()), () => {
      cancelWhole = undefined;
      void run(true);
    });
  }

  return {
    changed() {
      if (signal.aborted) return;
      doneVersion = undefined;
      passes.changed();
    },
    run,
    probes: () => probes,
    isComplete: () => isFilled && doneVersion !== undefined,
    async close() {
      cancelWhole?.();
      await passes.close();
    },
  };
}

const secondsSince = (startedAt: number) => (performance.now() - startedAt) / 1000;
