/**
 * Graph memory in tables of this service's own database: episodes as they were told, the entities they name, and facts
 * with the times at which they are true and were learned. What `add` and the deletes have answered is durable; a search
 * finds it from then on. One process only may write.
 */
import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { LRUCache } from 'lru-cache';
import {
  containsPattern,
  listLiteral,
  openDatabase,
  retryOnConflict,
  stringLiteral,
  type Table,
} from '../../../lance/index.js';
import type { Logger } from '../../../logger.js';
import { type After, afterTimeout, atOnce, type InBackground } from '../../../scheduler/index.js';
import type { Embedder } from '../../embeddings/embedder.js';
import { graphClosed } from '../errors.js';
import type { GraphEvent } from '../graph-event.js';
import type { GraphMemory, NewEpisode } from '../graph-memory.js';
import { factRowsAt, factRowsWhere } from './fact-rows.js';
import { createFactSearch } from './fact-search.js';
import { openFactVectors } from './fact-vectors.js';
import { graphTableNames, openGraphTables } from './graph-tables.js';
import { createGraphUpkeep } from './graph-upkeep.js';
import { openGroupVersions } from './group-versions.js';
import type { AskModel } from './telling/extraction.js';
import { placeOf, type ResolvedFacts, resolveFacts } from './telling/resolved-facts.js';
import { toldFacts } from './telling/told-facts.js';
import { createWriteQueue } from './write-queue.js';

/** @source product contract, Agents, memory; story-17.4 task 4 */
export interface EmbeddedGraphOptions {
  /** Absolute path of the database folder. */
  lanceUri: string;
  embedder: Embedder;
  /** Finds facts in text; undefined when no chat model is set up. */
  askModel?: AskModel | undefined;
  /** Makes the vectors that are missing; at once when left out. */
  inBackground?: InBackground;
  logger: Logger;
  onEvent(event: GraphEvent): void;
  after?: After;
  /** Epoch milliseconds. */
  now?(): number;
}

/** @source product contract, Agents, memory */
export interface EmbeddedGraph extends GraphMemory {
  readonly kind: 'embedded';
  /** Brings vectors and indexes up to date now. Never throws. */
  upkeep(): Promise<void>;
}

const maxKnownEntities = 20_000;
const idPattern = /^[0-9a-f-]{36}$/;

/**
 * Opens the tables, creating them when missing, and starts catching up behind the scenes.
 * @throws Error when the folder cannot be opened or a table lacks columns
 * @source product contract, Agents, memory ("embedded by default")
 */
export async function openEmbeddedGraph(options: EmbeddedGraphOptions): Promise<EmbeddedGraph> {
  const { embedder, askModel, logger, onEvent, after = afterTimeout, now = Date.now } = options;
  const { inBackground = atOnce } = options;
  const closing = new AbortController();
  // Each text of a batch waits on it.
  setMaxListeners(0, closing.signal);
  const { signal } = closing;
  const database = await openDatabase(options.lanceUri, {
    onDamage: (damage) =>
      logger.error({ damage }, 'a table of the graph memory was damaged: its last good version is used'),
  });
  const tables = await openGraphTables(database);
  const { episodes, entities, facts } = tables;
  const versions = await openGroupVersions(facts, now);
  const writes = createWriteQueue();
  const vectors = await openFactVectors({
    database,
    facts,
    embedder,
    inBackground,
    signal,
    logger,
    onMissing: () => upkeep.retryLater(),
  });
  const makeDurable = async () => {
    await Promise.all(Object.values(graphTableNames).map((name) => database.syncTable(name)));
  };
  const upkeep = createGraphUpkeep({
    tables,
    vectors,
    writes,
    makeDurable,
    signal,
    after,
    now: () => performance.now(),
    logger,
    onEvent,
  });
  const onVectorsMissing = () => onEvent({ type: 'vectors_missing' });
  const { search, rehearse } = createFactSearch({ facts, vectors, embedder, onVectorsMissing });
  const knownEntities = new LRUCache<string, true>({ max: maxKnownEntities });
  const told = {
    askModel,
    onEvent,
    onExtractionFailed: (error: unknown) =>
      logger.warn({ err: error }, 'the chat model found no facts: the text itself is kept in their place'),
  };

  async function change<T>(work: () => Promise<T>): Promise<T> {
    if (signal.aborted) throw graphClosed();
    return writes.run(work);
  }

  async function storeEntities(groupId: string, { added }: ResolvedFacts, createdAt: number): Promise<void> {
    const named = new Map<string, string>();
    for (const row of added) {
      if (row.relation === '') continue;
      named.set(row.source_id, row.source);
      named.set(row.target_id, row.target);
    }
    const rows = Array.from(named, ([id, name]) => ({ id, group_id: groupId, name, created_at: createdAt }));
    const unknown = rows.filter(({ id }) => !knownEntities.has(id));
    if (unknown.length === 0) return;
    await retryOnConflict(() => entities.mergeInsert('id').whenNotMatchedInsertAll().execute(unknown));
    for (const { id } of unknown) knownEntities.set(id, true);
  }

  /** The facts come last, in one commit: it is what makes the episode seen, and what it contradicts end. */
  async function store(id: string, episode: NewEpisode, found: Awaited<ReturnType<typeof toldFacts>>, toldAt: number) {
    const { groupId } = episode;
    const places = found.facts.map((fact) => placeOf(groupId, fact));
    const known = await factRowsAt(facts, places);
    const changedAt = versions.nextChange();
    const metadataJson = JSON.stringify(episode.metadata);
    const telling = { episodeId: id, groupId, metadataJson, now: changedAt };
    const resolved = resolveFacts(known, found.facts, telling);
    const row = { id, group_id: groupId, content: episode.content, metadata_json: metadataJson };
    const episodeRow = { ...row, valid_at: episode.validAt ?? toldAt, created_at: changedAt };
    await Promise.all([retryOnConflict(() => episodes.add([episodeRow])), storeEntities(groupId, resolved, changedAt)]);
    await storeFacts(resolved);
    versions.changed(groupId);
    return resolved;
  }

  async function storeFacts({ added, changed }: ResolvedFacts): Promise<void> {
    const rows = [...added, ...changed].map((row) => ({ ...row }));
    if (changed.length === 0) await retryOnConflict(() => facts.add(rows));
    else {
      await retryOnConflict(() =>
        facts.mergeInsert('id').whenMatchedUpdateAll().whenNotMatchedInsertAll().execute(rows),
      );
    }
  }

  async function removeFacts(where: string, groupId: string): Promise<void> {
    versions.nextChange();
    await retryOnConflict(() => facts.delete(where));
    versions.changed(groupId);
  }

  void upkeep.run();
  return {
    kind: 'embedded',
    identity: `embedded ${embedder.model} ${embedder.dimensions}`,
    seesAllChanges: true,
    version: versions.of,
    isSettling: () => !vectors.isComplete(),
    state: async () =>
      vectors.isComplete() ? (await Promise.all([facts.version(), vectors.table.version()])).join('-') : undefined,
    async add(episode, asked = signal) {
      const toldAt = now();
      const found = await toldFacts(episode, toldAt, told, AbortSignal.any([signal, asked]));
      const id = randomUUID();
      const { added } = await change(() => store(id, episode, found, toldAt));
      await makeDurable();
      await vectors.add(added);
      upkeep.changed();
      return { id, state: 'stored', facts: found.facts.length, factsFrom: found.from, ignored: [] };
    },
    search,
    async deleteFact(id) {
      if (!idPattern.test(id)) return false;
      const where = `id = ${stringLiteral(id)}`;
      const isFound = await change(async () => {
        const [row] = await factRowsWhere(facts, where);
        if (row) await removeFacts(where, row.group_id);
        return row !== undefined;
      });
      if (!isFound) return false;
      await makeDurable();
      await vectors.remove(`fact_id = ${stringLiteral(id)}`);
      upkeep.changed();
      return true;
    },
    async deleteEpisode(id) {
      if (!idPattern.test(id)) return false;
      const where = `id = ${stringLiteral(id)}`;
      const isFound = await change(async () => {
        if ((await episodes.countRows(where)) === 0) return false;
        const rows = await factRowsWhere(facts, `episodes_json LIKE ${containsPattern(`"${id}"`)}`);
        const others = rows.map((row) => ({
          row,
          left: (JSON.parse(row.episodes_json) as string[]).filter((episode) => episode !== id),
        }));
        const shared = others.filter(({ left }) => left.length > 0);
        if (shared.length > 0) {
          const changedAt = versions.nextChange();
          const changed = shared.map(({ row, left }) => ({
            ...row,
            episodes_json: JSON.stringify(left),
            changed_at: changedAt,
          }));
          await storeFacts({ added: [], changed });
          versions.changed(changed[0]!.group_id);
        }
        const sole = others.filter(({ left }) => left.length === 0).map(({ row }) => row);
        if (sole.length > 0) {
          const ids = listLiteral(sole.map((row) => row.id));
          await removeFacts(`id IN ${ids}`, sole[0]!.group_id);
          await vectors.remove(`fact_id IN ${ids}`);
        }
        await retryOnConflict(() => episodes.delete(where));
        return true;
      });
      if (isFound) await makeDurable();
      if (isFound) upkeep.changed();
      return isFound;
    },
    async deleteGroup(groupId) {
      const where = `group_id = ${stringLiteral(groupId)}`;
      await change(async () => {
        await removeFacts(where, groupId);
        await Promise.all([episodes, entities].map((table) => retryOnConflict(() => table.delete(where))));
        knownEntities.clear();
      });
      await makeDurable();
      await vectors.remove(where);
      upkeep.changed();
    },
    async prewarmSteps() {
      if ((await facts.countRows()) === 0) return [];
      const of = async (table: Table) =>
        (await table.listIndices()).map(({ name }) => ({
          name: `${table.name}: index ${name}`,
          run: () => table.prewarmIndex(name),
        }));
      return [...(await of(facts)), ...(await of(vectors.table)), { name: 'graph memory: searches', run: rehearse }];
    },
    async storageBytes() {
      const sizes = await Promise.all([...Object.values(tables), vectors.table].map((table) => table.stats()));
      return sizes.reduce((sum, { totalBytes }) => sum + totalBytes, 0);
    },
    upkeep: upkeep.run,
    async close() {
      closing.abort(graphClosed());
      await writes.idle();
      await upkeep.close();
      for (const table of [...Object.values(tables), vectors.table]) table.close();
      database.close();
    },
  };
}
