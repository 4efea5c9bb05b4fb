/**
 * Brings the rows of canvases in step with what the canvases say now. It may be broken off anywhere, and done again:
 * what it has stored stays. Only nodes whose text changed are written, and only texts that no row of the canvases at hand
 * has yet get a new vector.
 */
import type { InBackground } from '../../scheduler/index.js';
import type { Embedder } from '../embeddings/embedder.js';
import { type SaidNode, saidNodes } from './canvas-nodes.js';
import type { CanvasSearchEvent } from './canvas-search-event.js';
import { createKnownRows } from './known-rows.js';
import { nodeDifference, type RowTexts } from './node-difference.js';
import type { NodeRows, RowsChange } from './node-rows.js';
import { readCanvas, type VaultCanvases } from './searched-canvases.js';
import { createVectorMaking } from './vector-making.js';

/**
 * - `known`: which version of each canvas the rows show; kept up to date here.
 * @source product contract, Settled details (`/canvas/search`); Optimisations (`scheduler`)
 */
export interface NodeIndexingOptions {
  canvases: Pick<VaultCanvases, 'newest'>;
  rows: NodeRows;
  known: Map<string, string>;
  embedder: Embedder;
  inBackground: InBackground;
  signal: AbortSignal;
  onEvent(event: CanvasSearchEvent): void;
}

/** Not one text of a batch got a vector: the model is away, and the rest may wait. @source product contract, Promises 4 */
export class ModelAway extends Error {
  constructor(reason: unknown) {
    super('no text of a batch got a vector', { cause: reason });
  }
}

interface ReadCanvas {
  path: string;
  /** undefined: there is no such canvas. */
  etag: string | undefined;
  nodes: SaidNode[];
}

const canvasesAtOnce = 64;
/** Nodes that get a row in one commit, ... */
const nodesAtOnce = 512;
/** ... and nodes that are looked at for it. */
const lookedAtOnce = 8192;

/** @source product contract, Settled details (`/canvas/search`) */
export interface NodeIndexing {
  /**
   * Takes each path out of the set and brings its canvas in step. Paths may be added meanwhile.
   * @returns paths of canvases some of whose nodes got no vector
   * @throws ModelAway; the reason of the signal; what the canvases, the scheduler or the database throw. What was not
   *   brought in step is then in the set.
   */
  index(paths: Set<string>): Promise<string[]>;
}

/** Starts nothing by itself. @source product contract, Settled details (`/canvas/search`) */
export function createNodeIndexing(options: NodeIndexingOptions): NodeIndexing {
  const { canvases, rows, known, inBackground, onEvent } = options;
  const makeVectors = createVectorMaking(options.embedder);
  const knownRows = createKnownRows(rows);

  /** So many of the canvases as make a batch, one at least. */
  async function readSome(paths: readonly string[], signal: AbortSignal): Promise<ReadCanvas[]> {
    const read: ReadCanvas[] = [];
    let [looked, changed] = [0, 0];
    for (const path of paths) {
      signal.throwIfAborted();
      const found = await readCanvas(canvases, path, known.get(path));
      const said = found ? makeVectors.taken(saidNodes(found.canvas)) : [];
      read.push({ path, etag: found?.etag, nodes: said });
      const hashes = knownRows.find(path);
      looked += said.length;
      changed += hashes ? nodeDifference(hashes, said).added.length : said.length;
      if (changed >= nodesAtOnce || looked >= lookedAtOnce) break;
      await new Promise(setImmediate);
    }
    return read;
  }

  async function indexSome(paths: readonly string[], signal: AbortSignal): Promise<Indexed> {
    const startedAt = performance.now();
    const read = await readSome(paths, signal);
    const stale = read.filter(({ path, etag }) => known.get(path) !== etag);
    const had = await knownRows.of(stale.map(({ path }) => path).filter((path) => known.has(path)));
    const differing = stale.flatMap((canvas) => {
      const { hashes = none, isTorn = false } = had.get(canvas.path) ?? {};
      const difference = nodeDifference(isTorn ? none : hashes, canvas.nodes);
      const isSame = !isTorn && difference.added.length === 0 && difference.removed.length === 0;
      // What has no node any more needs no list of them.
      const isWhole = isTorn || (canvas.nodes.length === 0 && hashes.size > 0);
      return isSame ? [] : [{ ...canvas, ...difference, isWhole }];
    });

    const wanted = differing.flatMap(({ added }) => added);
    const vectors = await vectorsThereAre(wanted, had);
    const missing = wanted.filter(({ textHash }) => !vectors.has(textHash));
    const { made, failed, reason } = await makeVectors.of(missing, signal);
    for (const [hash, vector] of made) vectors.set(hash, vector);

    const unfinished: string[] = [];
    const changes = differing.map(({ path, etag = '', added, removed, kept, isWhole }): RowsChange => {
      const taken = makeVectors.taken(added);
      const stored = taken.flatMap((node) => {
        const vector = vectors.get(node.textHash);
        return vector ? [{ ...node, vector }] : [];
      });
      const isFinished = stored.length === taken.length;
      if (!isFinished) unfinished.push(path);
      return { path, stamp: isFinished ? etag : `part of ${etag}`, isWhole, added: stored, removed, kept };
    });
    if (changes.length > 0) {
      // Should a commit fail, nobody knows what the table holds.
      for (const { path } of changes) {
        known.set(path, '');
        knownRows.forget(path);
      }
      await rows.change(changes);
      const nodes = changes.reduce((sum, { added }) => sum + added.length, 0);
      const durationSeconds = (performance.now() - startedAt) / 1000;
      onEvent({ type: 'nodes_stored', canvases: changes.length, nodes, made: made.size, durationSeconds });
    }
    const changeOf = new Map(changes.map((change) => [change.path, change]));
    for (const { path, etag, nodes } of stale) {
      if (etag === undefined) {
        known.delete(path);
        knownRows.forget(path);
        continue;
      }
      known.set(path, unfinished.includes(path) ? '' : etag);
      knownRows.set(path, hashesAfter(nodes, had.get(path), changeOf.get(path)));
    }
    if (failed > 0) onEvent({ type: 'nodes_failed', nodes: failed });
    if (failed > 0 && made.size === 0) throw new ModelAway(reason);
    return { looked: read.length, unfinished };
  }

  /** Of the texts that rows of these canvases have: a canvas that was moved finds them under its old path, which changed with it. */
  async function vectorsThereAre(
    wanted: readonly SaidNode[],
    had: ReadonlyMap<string, RowTexts>,
  ): Promise<Map<string, Float32Array>> {
    const hashes = new Set([...had.values()].flatMap((texts) => [...texts.hashes.values()]));
    const there = new Set(wanted.map(({ textHash }) => textHash).filter((hash) => hashes.has(hash)));
    return there.size === 0 ? new Map() : rows.vectorsOf([...had.keys()], [...there]);
  }

  /** The work itself is awaited even when the wait for it is given up: nothing may close under it. */
  async function whenItsTurnComes(paths: readonly string[]): Promise<Indexed> {
    let work: Promise<Indexed> | undefined;
    try {
      return await inBackground(
        (signal) => {
          work = indexSome(paths, signal);
          return work;
        },
        { signal: options.signal },
      );
    } finally {
      await work?.catch(() => {});
    }
  }

  return {
    async index(paths) {
      const unfinished: string[] = [];
      while (paths.size > 0) {
        const some = firstOf(paths, canvasesAtOnce);
        for (const path of some) paths.delete(path);
        try {
          const indexed = await whenItsTurnComes(some);
          unfinished.push(...indexed.unfinished);
          for (const path of some.slice(indexed.looked)) paths.add(path);
        } catch (error) {
          for (const path of [...some, ...unfinished]) paths.add(path);
          throw error;
        }
      }
      return unfinished;
    },
  };
}

interface Indexed {
  /** How many of the given canvases were read. */
  looked: number;
  unfinished: string[];
}

function firstOf(paths: ReadonlySet<string>, most: number): string[] {
  const first: string[] = [];
  for (const path of paths) {
    if (first.push(path) === most) break;
  }
  return first;
}

const none: RowTexts['hashes'] = new Map();

/** What the rows of a canvas say once they were changed. */
function hashesAfter(nodes: readonly SaidNode[], had: RowTexts | undefined, change: RowsChange | undefined) {
  const hashes = new Map<string, string>();
  const added = new Set(change?.added.map(({ nodeId }) => nodeId));
  for (const { nodeId, textHash } of nodes) {
    const isKept = !change?.isWhole && had?.hashes.get(nodeId) === textHash;
    if (isKept || added.has(nodeId)) hashes.set(nodeId, textHash);
  }
  return hashes;
}
