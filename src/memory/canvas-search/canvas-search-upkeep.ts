/**
 * Work behind the scenes of the search over canvas nodes: follows the changes of the vault, and at the start compares
 * the versions of all canvases with those that the rows were made from. It begins once changes have been quiet for a
 * moment, or at the latest `maxDelayMs` after the first of them; what fails is logged, counted and begun again later.
 * Searches go on meanwhile.
 */
import { setMaxListeners } from 'node:events';
import { tidyVectors } from '../../lance/index.js';
import type { Logger } from '../../logger.js';
import { type After, createSettledPasses, isStopping } from '../../scheduler/index.js';
import type { CanvasSearchEvent } from './canvas-search-event.js';
import { createNodeIndexing, type NodeIndexingOptions } from './node-indexing.js';
import type { VaultCanvases, VaultChange } from './searched-canvases.js';

/** @source product contract, Settled details (`/canvas/search`) */
export interface CanvasSearchUpkeepOptions extends Omit<NodeIndexingOptions, 'canvases' | 'signal'> {
  canvases: Pick<VaultCanvases, 'newest' | 'list'>;
  /** Neighbourhoods of the vector index to look at until the first pass has ended. */
  probes: number;
  /** Called after the first pass that left nothing out. */
  onComplete(): Promise<void>;
  after: After;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  logger: Logger;
  onEvent(event: CanvasSearchEvent): void;
}

/** @source product contract, Settled details (`/canvas/search`) */
export interface CanvasSearchUpkeep {
  /** A canvas changed. Cheap. */
  changed(change: VaultChange): void;
  /** Runs now, or joins what runs and runs once more. Never throws. */
  run(): Promise<void>;
  /** Whether every change that was told is in what searches see. */
  isComplete(): boolean;
  /** Whether the canvas is known to be gone, though its rows may still be there. */
  isGone(path: string): boolean;
  /** Canvases that wait to be looked at, as far as they are known. */
  waiting(): number;
  /** Neighbourhoods of the vector index to look at. */
  probes(): number;
  /** Gives up what is under way, and waits for its end. */
  close(): Promise<void>;
}

const quietMs = 250;
const maxDelayMs = 10_000;
const retryMs = 60_000;
const listedAtOnce = 500;
/** More changes than this are not remembered one by one: all canvases are compared instead. */
const maxPending = 20_000;

/** Starts nothing by itself. @source product contract, Settled details (`/canvas/search`) */
export function createCanvasSearchUpkeep(options: CanvasSearchUpkeepOptions): CanvasSearchUpkeep {
  const { canvases, rows, known, onComplete, after, now, logger, onEvent } = options;
  const closing = new AbortController();
  const { signal } = closing;
  // Each text of a batch waits on it.
  setMaxListeners(0, signal);
  const passes = createSettledPasses({ pass: runOnce, quietMs, maxDelayMs, after, now, signal });
  const indexing = createNodeIndexing({ ...options, signal });
  const pending = new Set<string>();
  const gone = new Set<string>();
  let isWholeDue = true;
  let wasComplete = false;
  let { probes } = options;

  /** Compares all canvases with what the rows were made from; those that are gone are known to the rows alone. */
  async function compareAll(): Promise<string[]> {
    const unfinished: string[] = [];
    const seen = new Set<string>();
    const differing = new Set<string>();
    for (let page = await canvases.list({ prefix: '', after: '' }, listedAtOnce); ; ) {
      for (const { path, etag } of page.items) {
        seen.add(path);
        if (known.get(path) !== (etag ?? undefined)) differing.add(path);
      }
      unfinished.push(...(await indexing.index(differing)));
      await rows.publish();
      signal.throwIfAborted();
      if (page.lastPath === undefined) break;
      page = await canvases.list({ prefix: '', after: page.lastPath }, listedAtOnce);
    }
    unfinished.push(...(await indexing.index(new Set([...known.keys()].filter((path) => !seen.has(path))))));
    return unfinished;
  }

  async function bringInStep(): Promise<void> {
    const later: string[] = [];
    const isWhole = isWholeDue;
    isWholeDue = false;
    try {
      if (isWhole) later.push(...(await compareAll()));
      later.push(...(await indexing.index(pending)));
    } catch (error) {
      isWholeDue ||= isWhole;
      throw error;
    } finally {
      for (const path of later) pending.add(path);
      await rows.publish();
    }
    probes = await tidyVectors(rows.table, {
      signal,
      countVersions: rows.countVersions,
      onIndexBuilt: (nodes, durationSeconds) => onEvent({ type: 'index_built', nodes, durationSeconds }),
    });
    await rows.publish();
    for (const path of gone) if (!known.has(path)) gone.delete(path);
    if (later.length > 0) {
      logger.warn({ canvases: later.length }, 'nodes of some canvases got no vectors: tried again later');
      passes.runLater(retryMs);
    } else if (!wasComplete && !isWholeDue) {
      wasComplete = true;
      await onComplete();
    }
  }

  async function runOnce(): Promise<void> {
    try {
      await bringInStep();
    } catch (error) {
      if (signal.aborted || isStopping(error)) return;
      logger.warn({ err: error }, 'upkeep of the search over canvas nodes broke off: tried again later');
      onEvent({ type: 'upkeep_failed' });
      passes.runLater(retryMs);
    }
  }

  function noteGone(path: string, isGone: boolean): void {
    if (!isGone) gone.delete(path);
    else if (gone.size < maxPending && known.has(path)) gone.add(path);
  }

  return {
    changed({ path, from, etag }) {
      if (signal.aborted) return;
      if (from !== undefined) noteGone(from, true);
      noteGone(path, etag === null);
      if (pending.size >= maxPending) {
        pending.clear();
        isWholeDue = true;
      }
      for (const changed of [from, path]) if (changed !== undefined) pending.add(changed);
      passes.changed();
    },
    run: passes.run,
    isComplete: () => wasComplete && !isWholeDue && pending.size === 0 && !passes.isRunning(),
    isGone: (path) => gone.has(path),
    waiting: () => pending.size,
    probes: () => probes,
    async close() {
      closing.abort(new Error('the search over canvas nodes is closing'));
      await passes.close();
    },
  };
}
