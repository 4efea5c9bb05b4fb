/**
 * Full-text search over question and ground truth. The index gives candidates; rows that it does not cover yet, and,
 * where it has found too few, rows that hold the words inside others, are looked for beside it. Without an index that can
 * be read all rows are: the same answer, slower. One measure orders the rows of all ways.
 */
import type { Table as Found, RecordBatch } from 'apache-arrow';
import {
  containsPattern,
  readFresh,
  rowsWithoutText,
  scanBatches,
  type Table,
  textQuery,
} from '../../../lance/index.js';
import { rowIdsOf } from '../../query/arrow-rows.js';
import { noPageLimit, type PageLimit } from '../../query/rows/page-limit.js';
import { BestRows, type ScoredRow } from './best-rows.js';
import { createRelevance, maxJudged, type Relevance, type SearchedText } from './relevance.js';
import { folded, wordsOf } from './text-words.js';

/** How the rows were found. @source product contract, Promises 4 */
export type TextSearchWay = 'index' | 'scan';

/**
 * Whether the index is left alone, because it could not be read; whoever has built it anew clears it.
 * @source product contract, Promises 4
 */
export interface IndexTrust {
  isBroken: boolean;
}

/** How much of the rows is read at once, and who hears of an index that cannot be read. @source product contract, Promises 4 and 6 */
export interface TextSearchOptions {
  limit?: PageLimit;
  trust?: IndexTrust;
  /** Told once, until the index was built anew. */
  onIndexFailed?(error: unknown): void;
}

/** Rows of the version that the table stands on, best first. @source product contract, Trajectories (`search/q`) */
export interface TextSearch {
  search(text: string, limit: number): Promise<{ rows: ScoredRow[]; way: TextSearchWay }>;
}

/** The columns that are searched. @source product contract, Trajectories ("full text over question and ground truth") */
export const searchedColumns = ['question', 'ground_truth'] as const;

const maxWords = 24;
/** Beyond so many, going through the rows that the index misses is dearer than going through those with the words. */
const maxTailRows = 10_000;
const mostRowsAtOnce = 512;
const sampleRows = 400;
const samplePieces = 20;
const sampleGrowth = 1.3;
/** No more of a text than is judged leaves the database; the database's own type of short texts is none that can be read here. */
const beginnings = new Map(searchedColumns.map((name) => [name, `cast(left(${name}, ${maxJudged}) as string)`]));

/** @param table moved to its newest version by the caller @source product contract, Trajectories (`search/q`) */
export function createTextSearch(table: Table, options: TextSearchOptions = {}): TextSearch {
  const { limit: page = noPageLimit, trust = { isBroken: false } } = options;
  let sample: { relevance: Relevance; rows: number } | undefined;
  const rowsPerBatch = () => Math.min(mostRowsAtOnce, page.rowsAtOnce());
  let condition: { version: number; rows: number; missed: number | undefined } | undefined;

  /** How many rows there are, and how many the indexes miss: the same for all searches in one version. */
  async function conditionNow() {
    const version = await table.version();
    if (condition?.version === version && !trust.isBroken) return condition;
    const [rows, missed] = await Promise.all([
      table.countRows(),
      trust.isBroken ? undefined : rowsWithoutText(table, searchedColumns),
    ]);
    const isSettled = (await table.version()) === version;
    const now = { version, rows, missed };
    if (isSettled) condition = now;
    return now;
  }

  /** Words are as rare as they were when a third of the rows was not there yet. */
  async function relevanceFor(rows: number): Promise<Relevance> {
    if (sample && rows <= sample.rows * sampleGrowth && rows * sampleGrowth >= sample.rows) return sample.relevance;
    const texts: SearchedText[] = [];
    for (let piece = 0; piece < samplePieces; piece++) {
      const offset = Math.floor((piece * rows) / samplePieces);
      const query = table.query().select(beginnings);
      const pieceRows = sampleRows / samplePieces;
      for await (const batch of scanBatches(query.offset(offset).limit(pieceRows), rowsPerBatch())) {
        const textAt = textsOf(batch);
        for (let i = 0; i < batch.numRows; i++) texts.push(textAt(i));
      }
    }
    sample = { relevance: createRelevance(texts), rows };
    return sample.relevance;
  }

  async function judge(query: ReturnType<Table['query']>, best: BestRows, score: ReturnType<Relevance>): Promise<void> {
    for await (const batch of scanBatches(query.select(beginnings).withRowId(), rowsPerBatch())) {
      judgeBatch(batch, best, score);
      await new Promise(setImmediate);
    }
  }

  async function candidates(words: readonly string[], best: BestRows, score: ReturnType<Relevance>, limit: number) {
    const most = Math.max(60, limit * 3);
    const query = textQuery(table, words.join(' '), searchedColumns).withRowId().limit(most);
    const withScore = new Map([...beginnings, ['_score', '_score']]);
    if (page.fits(most)) return judgeBatch(await query.select(withScore).toArrow(), best, score);
    const ids = rowIdsOf(await query.select(['_score']).toArrow());
    for (let from = 0, step = rowsPerBatch(); from < ids.length; from += step) {
      const some = table.takeRowIds([...ids.subarray(from, from + step)]);
      judgeBatch(await some.select(beginnings).withRowId().toArrow(), best, score);
    }
  }

  async function searched(text: string, limit: number): Promise<{ rows: ScoredRow[]; way: TextSearchWay }> {
    const words = wordsOf(text, maxWords);
    const signs = words.length === 0 ? text.trim() : undefined;
    if (signs !== undefined) words.push(folded(signs));
    const { rows, missed } = await conditionNow();
    const best = new BestRows(limit);
    const score = (await relevanceFor(rows))(words);
    if (missed === undefined || missed > maxTailRows) {
      const all = table.query();
      await judge(rows > maxTailRows ? all.where(words.map(holds).join(' OR ')) : all, best, score);
      return { rows: best.sorted(), way: 'scan' };
    }
    await candidates(words, best, score, limit);
    // Rows that were added or changed since lie at the end.
    const tail = () => table.query().offset(Math.max(0, rows - missed));
    if (missed > 0) await judge(tail().limit(missed), best, score);
    if (best.size < limit) {
      const wanted = signs === undefined ? words.map(holds).join(' AND ') : `${holds(words[0]!)} OR ${holds(signs)}`;
      await judge(table.query().where(wanted).limit(limit), best, score);
    }
    return { rows: best.sorted(), way: 'index' };
  }

  return {
    async search(text, limit) {
      try {
        return await readFresh(table, () => searched(text, limit));
      } catch (error) {
        if (trust.isBroken) throw error;
        trust.isBroken = true;
        // What is wrong with the rows themselves is wrong with them here too.
        const found = await readFresh(table, () => searched(text, limit)).catch((reason: unknown) => {
          trust.isBroken = false;
          throw reason;
        });
        options.onIndexFailed?.(error);
        return found;
      }
    },
  };
}

const holds = (word: string) =>
  `(${searchedColumns.map((column) => `${column} ILIKE ${containsPattern(word)}`).join(' OR ')})`;

function judgeBatch(batch: RecordBatch | Found, best: BestRows, score: ReturnType<Relevance>): void {
  const ids = batch.getChild('_rowid');
  const textAt = textsOf(batch);
  for (let i = 0; i < batch.numRows; i++) {
    const { question, groundTruth } = textAt(i);
    best.add(ids?.get(i) as bigint, score(question, groundTruth));
  }
}

/** Columns are looked up once a batch: that is dearer than reading a text. */
function textsOf(batch: RecordBatch | Found): (i: number) => SearchedText {
  const [questions, truths] = searchedColumns.map((name) => batch.getChild(name));
  return (i) => ({ question: String(questions?.get(i)), groundTruth: String(truths?.get(i)) });
}
