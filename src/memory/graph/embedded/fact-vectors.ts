/**
 * The vectors of facts, in a table beside them. They are derived: a fact is stored whether or not the model gives its
 * vector, and what is missing is made behind the scenes.
 */
import {
  type Database,
  dropOtherModels,
  listLiteral,
  modelTableName,
  nearestQuery,
  openModelTable,
  readFresh,
  retryOnConflict,
  scanBatches,
  type Table,
  tidyVectors,
  vectorRows,
} from '../../../lance/index.js';
import type { Logger } from '../../../logger.js';
import type { InBackground } from '../../../scheduler/index.js';
import type { Embedder } from '../../embeddings/embedder.js';
import { type FactRow, factVectorSchema, vectorTablePrefix } from './graph-tables.js';

/** @source product contract, Agents, memory */
export interface FactVectorsOptions {
  database: Database;
  facts: Table;
  embedder: Embedder;
  /** Makes what is missing; somebody waits for the vectors of facts that were just told. */
  inBackground: InBackground;
  /** Gives up; what is under way is awaited. */
  signal: AbortSignal;
  logger: Logger;
  onMissing(): void;
}

/** A fact by likeness; `score` is the cosine. @source LanceDB documentation, "Vector Search" */
export interface NearFact {
  id: string;
  score: number;
}

/** @source product contract, Agents, memory */
export interface FactVectors {
  table: Table;
  /** Facts that were just stored. Never throws. */
  add(rows: readonly Pick<FactRow, 'id' | 'group_id' | 'fact'>[]): Promise<void>;
  /** @param where condition on `group_id`, if any. Nearest first, each fact once. */
  nearest(vector: Float32Array, count: number, where: string | undefined): Promise<NearFact[]>;
  /** A few that are there. */
  some(count: number): Promise<Float32Array[]>;
  remove(where: string): Promise<void>;
  /** Makes what is missing and removes what is left over. Looks at all facts. */
  fill(): Promise<void>;
  /** Joins small pieces of data, and keeps the index, where there is one, up to date. */
  tidy(): Promise<void>;
  isComplete(): boolean;
}

type Embedded = Pick<FactRow, 'id' | 'group_id' | 'fact'>;
const factsAtOnce = 256;

/**
 * Opens the model's table, empty when it was not there. `fill` is to be called after opening.
 * @source product contract, Agents, memory; Promises 4
 */
export async function openFactVectors(options: FactVectorsOptions): Promise<FactVectors> {
  const { database, facts, embedder, inBackground, signal, logger, onMissing } = options;
  const form = { prefix: vectorTablePrefix, schema: factVectorSchema(embedder.dimensions), logger };
  const table = await openModelTable(database, embedder, form);
  /** Facts whose vectors are being made. */
  const making = new Set<string>();
  /** Facts that the model does not take: asking again is of no use until the next start. */
  const refused = new Set<string>();
  let probes = 1;
  let isComplete = false;

  /** @returns how many got no vector, though they may later */
  async function embedAndStore(rows: readonly Embedded[], stopped = signal): Promise<number> {
    const answers = await Promise.allSettled(rows.map(({ fact }) => embedder.embed([fact], { signal: stopped })));
    stopped.throwIfAborted();
    const made: { row: Embedded; vector: Float32Array }[] = [];
    let failed = 0;
    answers.forEach((answer, i) => {
      const row = rows[i]!;
      const vector = answer.status === 'fulfilled' ? answer.value[0] : undefined;
      if (vector) made.push({ row, vector });
      else if (answer.status === 'rejected' && isRefusal(answer.reason)) refused.add(row.id);
      else failed += 1;
    });
    if (made.length > 0) {
      const texts = {
        fact_id: made.map(({ row }) => row.id),
        group_id: made.map(({ row }) => row.group_id),
        model: made.map(() => embedder.model),
      };
      const vectors = made.map(({ vector }) => vector);
      await retryOnConflict(() => table.add(vectorRows(texts, vectors, embedder.dimensions)));
    }
    return failed;
  }

  /** The work itself is awaited even when its turn is given up: nothing may close under it. */
  async function makeInTurn(ids: readonly string[]): Promise<number> {
    let work: Promise<number> | undefined;
    try {
      return await inBackground(
        (turn) => {
          work = readFresh(facts, () => rowsOf(ids)).then((rows) => embedAndStore(rows, turn));
          return work;
        },
        { signal },
      );
    } finally {
      await work?.catch(() => {});
    }
  }

  async function factIds(): Promise<Set<string>> {
    const ids = new Set<string>();
    for await (const batch of scanBatches(facts.query().select(['id']))) {
      const column = batch.getChild('id');
      for (let i = 0; i < batch.numRows; i++) ids.add(String(column?.get(i)));
    }
    return ids;
  }

  async function rowsOf(ids: readonly string[]): Promise<Embedded[]> {
    const found = await facts
      .query()
      .where(`id IN ${listLiteral(ids)}`)
      .select(['id', 'group_id', 'fact'])
      .toArrow();
    const [id, group, fact] = ['id', 'group_id', 'fact'].map((name) => found.getChild(name));
    return Array.from({ length: found.numRows }, (_, i) => ({
      id: String(id?.get(i)),
      group_id: String(group?.get(i)),
      fact: String(fact?.get(i)),
    }));
  }

  return {
    table,
    async add(rows) {
      if (rows.length === 0) return;
      for (const { id } of rows) making.add(id);
      try {
        if ((await embedAndStore(rows)) === 0) return;
        isComplete = false;
        onMissing();
      } catch (error) {
        if (signal.aborted) return;
        isComplete = false;
        logger.warn({ err: error }, 'vectors of facts could not be stored: tried again later');
        onMissing();
      } finally {
        for (const { id } of rows) making.delete(id);
      }
    },
    nearest: (vector, count, where) =>
      readFresh(table, async () => {
        const query = nearestQuery(table, vector, probes).select(['fact_id', '_distance']).limit(count);
        const found = await (where === undefined ? query : query.where(where)).toArrow();
        const [ids, distances] = [found.getChild('fact_id'), found.getChild('_distance')];
        const best = new Map<string, number>();
        for (let i = 0; i < found.numRows; i++) {
          const id = String(ids?.get(i));
          if (!best.has(id)) best.set(id, 1 - Number(distances?.get(i)));
        }
        return Array.from(best, ([id, score]) => ({ id, score }));
      }),
    some: (count) =>
      readFresh(table, async () => {
        const found = await table.query().select(['vector']).limit(count).toArrow();
        const column = found.getChild('vector');
        return Array.from({ length: found.numRows }, (_, i) => Float32Array.from(column?.get(i) as Iterable<number>));
      }),
    async remove(where) {
      await retryOnConflict(() => table.delete(where));
    },
    async fill() {
      const has = new Set<string>();
      const gone: string[] = [];
      const ids = await readFresh(facts, factIds);
      for await (const batch of scanBatches(table.query().select(['fact_id']))) {
        const column = batch.getChild('fact_id');
        for (let i = 0; i < batch.numRows; i++) {
          const id = String(column?.get(i));
          has.add(id);
          if (!ids.has(id) && !making.has(id)) gone.push(id);
        }
      }
      for (let i = 0; i < gone.length; i += factsAtOnce) {
        await retryOnConflict(() => table.delete(`fact_id IN ${listLiteral(gone.slice(i, i + factsAtOnce))}`));
      }
      const missing = [...ids].filter((id) => !has.has(id) && !refused.has(id) && !making.has(id));
      let failed = 0;
      for (let i = 0; i < missing.length; i += factsAtOnce) {
        signal.throwIfAborted();
        failed += await makeInTurn(missing.slice(i, i + factsAtOnce));
        if (failed > 0) break;
      }
      isComplete = failed === 0;
      if (!isComplete) return onMissing();
      await dropOtherModels(database, embedder, form);
    },
    async tidy() {
      const countVersions = () => database.countVersions(modelTableName(vectorTablePrefix, embedder));
      probes = await tidyVectors(table, { signal, onIndexBuilt: () => {}, countVersions });
    },
    isComplete: () => isComplete,
  };
}

const isRefusal = (reason: unknown) =>
  String((reason as { code?: unknown } | undefined)?.code).endsWith('_REQUEST_REFUSED');
