import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { BenchContext } from '../../bench.js';
import { formatNumber } from '../../report/numbers.js';
import type { Figure, Section } from '../../report/section.js';
import { interleave } from '../../support/interleave.js';
import { median, quantile } from '../../support/statistics.js';
import { type Contestant, openProduct } from './contestant.js';
import { duckMissing, importDuckdb, openDuckdb } from './duckdb-contestant.js';
import { comparable, type PageQuestion, pageQuestions } from './page-questions.js';
import { fillStore } from './page-store.js';
import { openSqlite } from './sqlite-contestant.js';

type Name = 'optimized' | 'sqlite' | 'duckdb' | 'baseline';
type Samples = Record<Name, number[]>;
/** DuckDB is there where somebody has installed it. */
type Contestants = Record<Exclude<Name, 'duckdb'>, Contestant> & { duckdb?: Contestant };

/** From here on the baseline, which reads the whole table each time, is asked once a question, then not at all. */
const largeForBaseline = 50_000;
const tooLargeForBaseline = 500_000;
const askedStatistics = { 10000: 20, 100000: 50, 1000000: 200 } as Record<number, number>;

async function time(contestant: Contestant, question: PageQuestion, turn: number): Promise<number> {
  if (question.isCold) contestant.forget();
  const startedAt = performance.now();
  await question.ask(contestant, turn);
  return performance.now() - startedAt;
}

/** @throws Error when two of them answer differently, to the last field */
async function compare(contestants: Partial<Record<Name, Contestant>>, question: PageQuestion, turn: number) {
  let first: unknown;
  for (const [name, contestant] of Object.entries(contestants)) {
    const answer = comparable(await question.ask(contestant, turn));
    first ??= answer;
    if (!isDeepStrictEqual(answer, first)) throw new Error(`${question.name}: ${name} answers something else`);
  }
}

const duckIsThere =
  'DuckDB (1.5, in the same process, on all cores) has the same records in one table by columns, with indexes on the ids.';

/** How often is asked: rounds, and askings of each contestant in one. */
interface Amount {
  rounds: number;
  asks: number;
}

async function askAll(contestants: Contestants, question: PageQuestion, records: number, amount: Amount) {
  const { rounds, asks: asksPerRound } = amount;
  const baselineAsks = records < largeForBaseline ? 1 : 0;
  const slice = (name: Name, asks: number) => async (round: number) => {
    const milliseconds: number[] = [];
    const contestant = contestants[name];
    for (let i = 0; contestant && i < asks; i++) {
      milliseconds.push(await time(contestant, question, 100 + round * asksPerRound + i));
    }
    return milliseconds;
  };
  // Once for the files' sake, and so often that the orders of whole columns are known where they are to be.
  for (let turn = 0; turn < 10; turn++) {
    for (const contestant of [contestants.optimized, contestants.sqlite, contestants.duckdb]) {
      if (contestant) await time(contestant, question, turn);
    }
  }
  return interleave<Name, number[]>(rounds, {
    optimized: slice('optimized', asksPerRound),
    sqlite: slice('sqlite', asksPerRound),
    duckdb: slice('duckdb', asksPerRound),
    baseline: slice('baseline', baselineAsks),
  });
}

function figuresOf(question: PageQuestion, taken: readonly Samples[], records: number): Figure[] {
  const perRound = `${taken[0]?.optimized.length} askings`;
  const asked = question.asked[records] ?? [Infinity, Infinity];
  return [0.5, 0.95].flatMap((share, i) => {
    const value = asked[i] ?? Infinity;
    if (value === Infinity) return [];
    return {
      measure: `${question.name}: p${share * 100}`,
      unit: 'ms',
      rounds: taken.map(({ optimized }) => quantile(optimized, share)),
      perRound,
      asked: { relation: 'at most', value } as const,
    };
  });
}

function row(name: string, taken: readonly Samples[], baselineOnce: number | undefined): string[] {
  const all = (of: Name) => taken.flatMap((samples) => samples[of]);
  const [optimized, sqlite, duckdb] = [all('optimized'), all('sqlite'), all('duckdb')];
  const others = duckdb.length > 0 ? [sqlite, duckdb] : [sqlite];
  const baseline = baselineOnce ?? median(all('baseline'));
  return [
    name,
    ...[optimized, ...others].flatMap((samples) => [0.5, 0.95].map((share) => formatNumber(quantile(samples, share)))),
    formatNumber(baseline),
    `${formatNumber(median(taken.map((samples) => median(samples.optimized) / median(samples.sqlite))))}x`,
  ];
}

async function statistics(contestants: Contestants, rounds: number, isFirst: boolean): Promise<Samples[]> {
  const answers: unknown[] = [];
  const ask = (name: Name) => async () => {
    const contestant = contestants[name];
    if (!contestant) return [];
    const { statistics: found, milliseconds } = await contestant.statistics(isFirst);
    // Sums of a million doubles depend on the order in the last digits.
    answers.push(
      JSON.parse(JSON.stringify(found), (_, value) => (typeof value === 'number' ? value.toFixed(9) : value)),
    );
    return [milliseconds];
  };
  const taken = await interleave<Name, number[]>(rounds, {
    optimized: ask('optimized'),
    sqlite: ask('sqlite'),
    duckdb: ask('duckdb'),
    baseline: async () => [],
  });
  if (answers.some((answer) => !isDeepStrictEqual(answer, answers[0]))) throw new Error('statistics differ');
  return taken;
}

/**
 * The questions of the list at one size: optimised, original, SQLite and, where it is installed, DuckDB take turns over the same records, and their
 * answers are compared field by field.
 * @returns the section, and for others the folder, with the filled database where a service looks for it, and the ids
 * @source trajectory-optimization 2; product contract, promise 7
 */
export async function benchPages(
  context: BenchContext,
  records: number,
): Promise<{ section: Section; folder: string; ids: string[] }> {
  context.note(`pages of ${formatNumber(records)}: filling the stores`);
  const folder = path.join(context.folder, `pages-${records}`);
  await mkdir(folder);
  const lanceUri = path.join(folder, 'data', 'lancedb');
  const sqlite = openSqlite(path.join(folder, 'pages.sqlite'));
  const duckModule = await importDuckdb(process.env.DUCKDB_MODULE);
  if (!duckModule) context.note(`DuckDB: ${duckMissing}`);
  const duckdb = duckModule && (await openDuckdb(duckModule, path.join(folder, 'pages.duckdb')));
  const filled = { sqlite: 0, duckdb: 0 };
  const fill = async (name: keyof typeof filled, task: () => unknown) => {
    const startedAt = performance.now();
    await task();
    filled[name] += (performance.now() - startedAt) / 1000;
  };
  const { ids, seconds } = await fillStore(lanceUri, records, async (some) => {
    await fill('sqlite', () => sqlite.add(some));
    await fill('duckdb', () => duckdb?.add(some));
  });
  await fill('sqlite', () => sqlite.finish());
  await fill('duckdb', () => duckdb?.finish());
  const contestants: Contestants = {
    optimized: await openProduct(lanceUri, true),
    sqlite,
    ...(duckdb && { duckdb }),
    baseline: await openProduct(lanceUri, false),
  };
  const amount = context.quick ? { rounds: 1, asks: 4 } : { rounds: 5, asks: 20 };
  const { baseline, ...quick } = contestants;
  const figures: Figure[] = [];
  const rows: string[][] = [];
  for (const question of pageQuestions(ids)) {
    context.note(`pages of ${formatNumber(records)}: ${question.name}`);
    let baselineOnce: number | undefined;
    if (records < tooLargeForBaseline && records >= largeForBaseline) baselineOnce = await time(baseline, question, 0);
    await compare(records < largeForBaseline ? contestants : quick, question, 0);
    for (const turn of [1, 7, 33]) await compare(quick, question, turn);
    const taken = await askAll(contestants, question, records, amount);
    figures.push(...figuresOf(question, taken, records));
    rows.push(row(question.name, taken, baselineOnce));
  }
  context.note(`pages of ${formatNumber(records)}: statistics`);
  const first = await statistics(contestants, amount.rounds, true);
  const taken = await statistics(contestants, amount.rounds, false);
  const value = askedStatistics[records];
  if (value !== undefined) {
    figures.push({
      measure: 'statistics: p50',
      unit: 'ms',
      rounds: taken.map(({ optimized }) => median(optimized)),
      perRound: '1 asking',
      asked: { relation: 'at most', value },
    });
  }
  rows.push(row('statistics, store just opened', taken, undefined));
  rows.push(row('statistics, asked for the first time ever', first, undefined));
  for (const contestant of Object.values(contestants)) await contestant.close();
  const fills = [
    ['optimized', formatNumber(seconds)],
    ['SQLite', formatNumber(filled.sqlite)],
    ...(duckdb ? [['DuckDB', formatNumber(filled.duckdb)]] : []),
  ];
  return { section: sectionOf(records, figures, { rows, fills, hasDuckdb: duckdb !== undefined }), folder, ids };
}

interface Rows {
  rows: string[][];
  fills: string[][];
  hasDuckdb: boolean;
}

function sectionOf(records: number, figures: Figure[], { rows, fills, hasDuckdb }: Rows): Section {
  const baseline =
    records >= tooLargeForBaseline
      ? 'The baseline, which reads the whole table for each question, would take minutes here and is left out.'
      : records >= largeForBaseline
        ? 'The baseline, which reads the whole table for each question, is asked each question once.'
        : 'The baseline is asked once a round.';
  return {
    title: `Trajectories: pages of 20 out of ${formatNumber(records)}`,
    how:
      'At the level of the repository, in one process, one question after another; a page is the JSON text of 20 whole ' +
      'records of about 4.9 KB, a tenth of them with an analysis, all of one import and so of one time. The indexes serve all ways alike. No answer is kept, pages and bounds change from asking ' +
      'to asking; orders that were worked out are kept, except "after a change", where they are forgotten before each ' +
      'asking. SQLite (libsql 0.5.29, WAL, in the same process) has the same records with an index for every question, ' +
      `those over several columns included. ${hasDuckdb ? duckIsThere : `DuckDB is ${duckMissing}.`} ${baseline} Answers are compared field by field on four askings of each ` +
      'question (the baseline on one of them, below 50,000 records). "store just opened" finds what the run before wrote ' +
      'down when it ended (from 20,000 records on); "the first time ever" reads the table.',
    figures,
    tables: [
      {
        heading: [
          ...['milliseconds', 'optimized p50', 'p95', 'SQLite p50', 'p95'],
          ...(hasDuckdb ? ['DuckDB p50', 'p95'] : []),
          ...['baseline p50', 'optimized / SQLite'],
        ],
        rows,
      },
      { heading: ['storing rows that are made already, and indexing them', 'seconds'], rows: fills },
    ],
  };
}
