import {
  dropOtherModels,
  nearestQuery,
  openDatabase,
  probesOf,
  readFresh,
  stringLiteral,
  vectorsWithoutIndex,
} from '../../lance/index.js';
import type { Logger } from '../../logger.js';
import { type After, afterTimeout, atOnce, type InBackground } from '../../scheduler/index.js';
import type { Embedder } from '../embeddings/embedder.js';
import type { CanvasSearchEvent } from './canvas-search-event.js';
import { createCanvasSearchUpkeep } from './canvas-search-upkeep.js';
import { nodeTablePrefix, openNodeRows } from './node-rows.js';
import type { VaultCanvases } from './searched-canvases.js';

/**
 * Where the table is, the canvases, what makes vectors, and whom to tell.
 * @source product contract, Settled details (`/canvas/search`)
 */
export interface CanvasSearchOptions {
  /** Absolute path of the database folder. */
  lanceUri: string;
  canvases: VaultCanvases;
  embedder: Embedder;
  /** At once when left out. */
  inBackground?: InBackground;
  logger: Logger;
  onEvent(event: CanvasSearchEvent): void;
  after?: After;
  /** Milliseconds of a clock that never goes back. */
  now?(): number;
}

/** A node that a search found; `text` is at most its first 4000 characters, `score` the cosine. @source product contract, Settled details (`/canvas/search`) */
export interface FoundNode {
  path: string;
  node_id: string;
  text: string;
  score: number;
}

/** How far the vectors of nodes are. @source product contract, Monitoring */
export interface NodeProgress {
  /** Canvases whose newest version is known to the search. */
  canvases: number;
  /** Canvases that changed and wait to be looked at. */
  waiting: number;
}

/**
 * Search over the nodes of all canvases by meaning. It follows the canvases behind the scenes, a moment behind them;
 * canvases that are gone drop out at once.
 * @source product contract, Settled details (`/canvas/search`); story-17.4 AC4
 */
export interface CanvasSearch {
  /**
   * The nodes whose text is most like the query, best first.
   * @param prefix only canvases whose path begins with it
   * @returns `complete`: no change was still waiting to be seen
   * @throws Problem of the embedder when the query gets no vector
   */
  search(query: string, topK: number, prefix: string): Promise<{ results: FoundNode[]; complete: boolean }>;
  /** Brings the rows up to date now. Never throws. */
  upkeep(): Promise<void>;
  progress(): NodeProgress;
  /** Size of the table on disk. */
  storageBytes(): Promise<number>;
  /** What the first search would otherwise wait for. */
  prewarmSteps(): Promise<{ name: string; run(): Promise<unknown> }[]>;
  close(): Promise<void>;
}

/** The canvases that are gone may have had the best nodes. */
const spareResults = 20;
const prewarmedSearches = 5;

/**
 * Opens the table and starts catching up behind the scenes.
 * @throws Error when the folder cannot be opened
 * @source product contract, Settled details (`/canvas/search`)
 */
export async function openCanvasSearch(options: CanvasSearchOptions): Promise<CanvasSearch> {
  const { canvases, embedder, logger, onEvent, after = afterTimeout, now = () => performance.now() } = options;
  const { inBackground = atOnce } = options;
  const database = await openDatabase(options.lanceUri, {
    onDamage: ({ table, cause }) => logger.warn({ err: cause, table }, 'a table of nodes was damaged: filled up again'),
  });
  const rows = await openNodeRows(database, embedder, logger);
  const known = await rows.versions();
  const upkeep = createCanvasSearchUpkeep({
    canvases,
    rows,
    known,
    embedder,
    inBackground,
    probes: probesOf(await rows.table.countRows()),
    onComplete: () => dropOtherModels(database, embedder, { prefix: nodeTablePrefix, logger }),
    after,
    now,
    logger,
    onEvent,
  });
  const { shown } = rows;

  async function nearest(vector: Float32Array, count: number, prefix: string, isExact: boolean): Promise<FoundNode[]> {
    const query = nearestQuery(shown, vector, upkeep.probes());
    if (prefix !== '') query.where(`starts_with(path, ${stringLiteral(prefix)})`);
    if (isExact) query.bypassVectorIndex();
    const columns = ['path', 'node_id', 'text', '_distance'];
    const found = await readFresh(shown, () => query.select(columns).limit(count).toArrow());
    const [path, nodeId, text, distance] = columns.map((name) => found.getChild(name));
    return Array.from({ length: found.numRows }, (_, i) => ({
      path: String(path?.get(i)),
      node_id: String(nodeId?.get(i)),
      text: String(text?.get(i)),
      score: rounded(Math.min(1, 1 - Number(distance?.get(i)))),
    })).filter((node) => node.score > 0 && !upkeep.isGone(node.path));
  }

  /** As searches go, so that the first one finds the data read and the way compiled; nothing is asked of a model. */
  async function searchAnything(): Promise<void> {
    for (let i = 0; i < prewarmedSearches; i++) {
      const vector = Float32Array.from({ length: embedder.dimensions }, (_, place) => Math.sin(place * (i + 1)));
      await nearest(vector, spareResults, '', false);
    }
  }

  const unsubscribe = canvases.changes.subscribe(upkeep.changed);
  void upkeep.run();
  return {
    async search(query, topK, prefix) {
      const startedAt = performance.now();
      const [vector] = await embedder.embed([query]);
      const complete = upkeep.isComplete();
      const count = topK + spareResults;
      let results = vector ? await nearest(vector, count, prefix, false) : [];
      // The neighbourhoods looked at may hold few canvases of the prefix, or none.
      if (vector && prefix !== '' && results.length < topK) results = await nearest(vector, count, prefix, true);
      results = results.slice(0, topK);
      const durationSeconds = (performance.now() - startedAt) / 1000;
      const shape = { characters: query.length, limit: topK, prefix: prefix !== '' };
      const explain = async () => ({ plan: ['nearest vectors'], tableVersion: await shown.version() });
      onEvent({ type: 'searched', durationSeconds, results: results.length, asked: () => ({ shape, explain }) });
      return { results, complete };
    },
    upkeep: upkeep.run,
    storageBytes: async () => (await shown.stats()).totalBytes,
    progress: () => ({ canvases: known.size, waiting: upkeep.waiting() }),
    async prewarmSteps() {
      const rowsShown = await shown.countRows();
      if (rowsShown === 0) return [];
      const steps = [{ name: 'canvas nodes: searches', run: searchAnything }];
      if ((await vectorsWithoutIndex(shown, 'vector')) === undefined) return steps;
      const indexes = await shown.listIndices();
      return [
        ...indexes.map(({ name }) => ({ name: `canvas nodes: index ${name}`, run: () => shown.prewarmIndex(name) })),
        ...steps,
      ];
    },
    async close() {
      unsubscribe();
      await upkeep.close();
      rows.close();
      database.close();
    },
  };
}

const rounded = (score: number) => Math.round(score * 1e4) / 1e4;
