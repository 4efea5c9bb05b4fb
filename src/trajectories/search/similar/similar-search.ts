/**
 * Trajectories by what they ask: the vectors nearest to the question name the questions, the trajectories are then
 * looked up as they are stored now. A question that no trajectory has any more is passed over.
 */
import { exactQuery, listLiteral, nearestQuery, readFresh, type Table } from '../../../lance/index.js';
import type { IndexTrust } from '../text/text-search.js';
import type { QuestionEmbedder } from './question-embedder.js';

/** A trajectory of a similar question; `score` is the cosine, 0..1. @source product contract, Trajectories (`similar/{question}`) */
export interface SimilarRow {
  rowId: bigint;
  score: number;
}

/** @source product contract, Trajectories (`similar/{question}`) */
export interface SimilarSearch {
  /**
   * @param isGrouped one trajectory for each question, the newest of its data_id; else all of them
   * @returns best first; newest first within a question
   */
  search(question: string, limit: number, isGrouped: boolean): Promise<SimilarRow[]>;
}

/** Where the vectors, the rows and the question's own vector come from. @source product contract, Trajectories (`similar/{question}`) */
export interface SimilarSearchOptions {
  trajectories: Table;
  vectors: Table;
  embedder: QuestionEmbedder;
  /** How many neighbourhoods of the vector index are looked at. */
  probes(): number;
  trust: IndexTrust;
  /** Told once, until the index was built anew. */
  onIndexFailed(error: unknown): void;
}

/** `text` is left out of a question that is long. */
interface Hit {
  hash: string;
  text: string | undefined;
  dataId: string;
  score: number;
}

interface Attempt {
  rowId: bigint;
  hash: string;
  seq: number;
}

const spareHits = 10;
const maxHits = 2000;
/** Questions up to here are asked for by their text, which is faster; a question may be megabytes long. */
const shortUnits = 256;
const beginning = `cast(left(question, ${shortUnits + 1}) as string)`;
/** As `questionHash` makes it. */
const hashOf = "left(encode(sha256(question), 'hex'), 32)";

const hitColumns = new Map([
  ['question_hash', 'question_hash'],
  ['beginning', beginning],
  ['data_id', 'data_id'],
  ['_distance', '_distance'],
]);
const attemptColumns = new Map([
  ['hash', `cast(${hashOf} as string)`],
  ['seq', 'seq'],
]);

/** Long questions by their hash: a text takes at least as many bytes as UTF-16 units, so none of them is passed over. */
function asked(hits: readonly Hit[]): string {
  const texts = hits.flatMap(({ text }) => text ?? []);
  const hashes = hits.flatMap(({ text, hash }) => (text === undefined ? [hash] : []));
  const ways: string[] = [];
  if (texts.length > 0) ways.push(`question IN ${listLiteral(texts)}`);
  if (hashes.length > 0) ways.push(`(octet_length(question) > ${shortUnits} AND ${hashOf} IN ${listLiteral(hashes)})`);
  return `(${ways.join(' OR ')})`;
}

/** @source product contract, Trajectories (`similar/{question}`) */
export function createSimilarSearch(options: SimilarSearchOptions): SimilarSearch {
  const { trajectories, vectors, embedder, probes, trust } = options;

  async function hitsOf(vector: Float32Array, count: number) {
    const read = (query: ReturnType<typeof exactQuery>) => query.select(hitColumns).limit(count).toArrow();
    const exact = () => readFresh(vectors, () => read(exactQuery(vectors, vector)));
    if (trust.isBroken) return exact();
    try {
      return await readFresh(vectors, () => read(nearestQuery(vectors, vector, probes())));
    } catch (error) {
      const found = await exact();
      trust.isBroken = true;
      options.onIndexFailed(error);
      return found;
    }
  }

  async function nearest(vector: Float32Array, count: number): Promise<Hit[]> {
    const found = await hitsOf(vector, count);
    const [hashes, texts, dataIds, distances] = [...hitColumns.keys()].map((name) => found.getChild(name));
    return Array.from({ length: found.numRows }, (_, i) => {
      const text = String(texts?.get(i));
      return {
        hash: String(hashes?.get(i)),
        text: text.length > shortUnits ? undefined : text,
        dataId: String(dataIds?.get(i)),
        score: Math.min(1, 1 - Number(distances?.get(i))),
      };
    }).filter(({ score }) => score > 0);
  }

  async function attemptsWhere(where: string): Promise<Attempt[]> {
    const found = await readFresh(trajectories, () =>
      trajectories.query().where(where).select(attemptColumns).withRowId().toArrow(),
    );
    const [ids, hashes, seqs] = ['_rowid', 'hash', 'seq'].map((name) => found.getChild(name));
    return Array.from({ length: found.numRows }, (_, i) => ({
      rowId: ids?.get(i) as bigint,
      hash: String(hashes?.get(i)),
      seq: Number(seqs?.get(i)),
    }));
  }

  /**
   * The trajectories of each question, newest first. Those that share a known data_id are found by its index; all
   * others by their text, which means going through the column.
   */
  async function attempts(hits: readonly Hit[], isWhole: boolean): Promise<Map<string, Attempt[]>> {
    const byQuestion = new Map<string, Attempt[]>();
    const keep = (found: readonly Attempt[]) => {
      for (const attempt of found) {
        const others = byQuestion.get(attempt.hash);
        if (others) others.push(attempt);
        else byQuestion.set(attempt.hash, [attempt]);
      }
    };
    if (hits.length === 0) return byQuestion;
    if (isWhole) keep(await attemptsWhere(asked(hits)));
    else {
      keep(await attemptsWhere(`data_id IN ${listLiteral(hits.map(({ dataId }) => dataId))} AND ${asked(hits)}`));
      const others = hits.filter(({ hash }) => !byQuestion.has(hash));
      if (others.length > 0) keep(await attemptsWhere(asked(others)));
    }
    for (const found of byQuestion.values()) found.sort((a, b) => b.seq - a.seq);
    return byQuestion;
  }

  return {
    async search(question, limit, isGrouped) {
      const [vector] = await embedder.embed([question]);
      if (!vector || (await vectors.countRows()) === 0) return [];
      for (let count = limit + spareHits; ; count *= 4) {
        const hits = await nearest(vector, Math.min(count, maxHits));
        const found = await attempts(hits, !isGrouped);
        const rows = hits.flatMap((hit) => {
          const own = found.get(hit.hash) ?? [];
          const shown = isGrouped ? own.slice(0, 1) : own;
          return shown.map(({ rowId }) => ({ rowId, score: hit.score }));
        });
        if (rows.length >= limit || hits.length < count || count >= maxHits) return rows.slice(0, limit);
      }
    },
  };
}
