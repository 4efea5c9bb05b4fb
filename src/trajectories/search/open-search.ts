import { setMaxListeners } from 'node:events';
import {
  dropOtherModels,
  modelTableName,
  openDatabase,
  openModelTable,
  readFresh,
  rowsWithoutText,
  withIndexSwitch,
} from '../../lance/index.js';
import type { Logger } from '../../logger.js';
import { isOn, type Optimization } from '../../optimization.js';
import { type After, afterTimeout, atOnce, type InBackground } from '../../scheduler/index.js';
import { createAnalysisLookup } from '../analysis/analysis-lookup.js';
import type { AskedQuery } from '../asked-query.js';
import { createPageLimit, defaultMaxPageBytes } from '../query/rows/page-limit.js';
import { openLargestRecord } from '../store/largest-record.js';
import { indexSteps, type PrewarmStep } from '../store/prewarm.js';
import { analysisSchema, tableNames, trajectorySchema } from '../trajectory-schema.js';
import type { SearchEvent } from './search-event.js';
import { createSearchUpkeep } from './search-upkeep.js';
import type { QuestionEmbedder } from './similar/question-embedder.js';
import { questionVectorSchema, vectorTablePrefix } from './similar/question-vectors.js';
import { createSimilarSearch } from './similar/similar-search.js';
import { createVectorFilling } from './similar/vector-filling.js';
import { takeRowTexts } from './taken-rows.js';
import { createTextSearch, searchedColumns } from './text/text-search.js';

/** Where the tables are, what makes vectors, and whom to tell. @source product contract, Trajectories (`search/q`, `similar/{question}`) */
export interface TrajectorySearchOptions {
  /** Absolute path of the database folder. */
  lanceUri: string;
  embedder: QuestionEmbedder;
  /** Whether rows may be found by scalar indexes; they may when left out. */
  scalarIndexes?: Optimization<unknown>;
  /** Waited for before each step of upkeep that takes long; nothing is waited for when left out. */
  whenQuiet?(): Promise<void>;
  /** Where batches of vectors wait for their turn; at once when left out. */
  inBackground?: InBackground;
  /** Bytes of records that an answer may hold; 64 MiB when left out. */
  maxPageBytes?: number;
  logger: Logger;
  onEvent(event: SearchEvent): void;
  after?: After;
  /** Milliseconds of a clock that never goes back. */
  now?(): number;
}

/** `complete`: no question was still waiting for its vector. @source product contract, Trajectories (`similar/{question}`) */
export interface SimilarAnswer {
  rows: Buffer[];
  complete: boolean;
}

/** How far the vectors are. @source product contract, Monitoring */
export interface VectorProgress {
  /** Questions that have a vector. */
  questions: number;
  /** Share of the trajectories that the present, or last, pass has looked at, 0..1. */
  ratio: number;
}

/**
 * Search in the stored trajectories, by words and by likeness of the question. Rows are as the list shows them with a
 * `score` each, JSON texts in UTF-8, best first. It reads the newest commit, whoever made it, on handles of its own. Indexes and vectors are made behind the scenes.
 * @source product contract, Trajectories (`search/q`, `similar/{question}`)
 */
export interface TrajectorySearch {
  searchText(text: string, limit: number): Promise<Buffer[]>;
  /** @throws Problem of the embedder when the question gets no vector */
  searchSimilar(question: string, limit: number, isGrouped: boolean): Promise<SimilarAnswer>;
  /** The trajectories may have changed. Cheap: call it after each commit. */
  changed(): void;
  /** Brings indexes and vectors up to date now. Never throws. */
  upkeep(): Promise<void>;
  progress(): VectorProgress;
  /** What the first searches would otherwise wait for. */
  prewarmSteps(): Promise<PrewarmStep[]>;
  close(): Promise<void>;
}

const tries = 4;
/** One alone is never too large. */
const prewarmedRows = 1;

/**
 * Opens the tables, creating them when missing, and starts catching up behind the scenes.
 * @throws Error when the folder cannot be opened or a table lacks columns
 * @source product contract, Trajectories (`search/q`, `similar/{question}`)
 */
export async function openTrajectorySearch(options: TrajectorySearchOptions): Promise<TrajectorySearch> {
  const { embedder, logger, onEvent, after = afterTimeout, now = () => performance.now() } = options;
  const limit = createPageLimit(options.maxPageBytes ?? defaultMaxPageBytes, openLargestRecord(options.lanceUri));
  const database = await openDatabase(options.lanceUri);
  const indexes = { isOn: () => !options.scalarIndexes || isOn(options.scalarIndexes) };
  const open = async (name: string, schema: typeof trajectorySchema) =>
    withIndexSwitch(await database.openTable(name, schema), indexes);
  const trajectories = await open(tableNames.trajectories, trajectorySchema);
  const analysis = await open(tableNames.analysis, analysisSchema);
  const ofQuestions = { prefix: vectorTablePrefix, schema: questionVectorSchema(embedder.dimensions), logger };
  const vectors = await openModelTable(database, embedder, ofQuestions);
  const findNotes = createAnalysisLookup(analysis);
  const trust = { text: { isBroken: false }, vectors: { isBroken: false } };
  const closing = new AbortController();
  // Each text of a batch waits on it.
  setMaxListeners(0, closing.signal);
  const progress: VectorProgress = { questions: await vectors.countRows(), ratio: 0 };

  const filling = createVectorFilling({
    trajectories,
    vectors,
    embedder,
    inBackground: options.inBackground ?? atOnce,
    limit,
    signal: closing.signal,
    onEvent(event) {
      if (event.type === 'vectors_stored') progress.questions += event.questions;
      if (event.type === 'vectors_removed') progress.questions -= event.questions;
      onEvent(event);
    },
    onProgress: (ratio) => {
      progress.ratio = ratio;
    },
  });
  const upkeep = createSearchUpkeep({
    trajectories,
    vectors,
    trust,
    countVersions: () => database.countVersions(modelTableName(vectorTablePrefix, embedder)),
    fill: filling.run,
    onFilled: () => dropOtherModels(database, embedder, ofQuestions),
    whenQuiet: options.whenQuiet ?? (async () => {}),
    after,
    now,
    signal: closing.signal,
    logger,
    onEvent,
  });
  /** The upkeep that follows builds it anew. */
  const failed = (index: 'text' | 'vectors') => (error: unknown) => {
    logger.warn(
      { err: error, index },
      'an index of the search cannot be read: searched without, until it is built anew',
    );
    onEvent({ type: 'index_failed', index });
    upkeep.changed();
  };
  const text = createTextSearch(trajectories, { limit, trust: trust.text, onIndexFailed: failed('text') });
  const similar = createSimilarSearch({
    trajectories,
    vectors,
    embedder,
    probes: upkeep.probes,
    trust: trust.vectors,
    onIndexFailed: failed('vectors'),
  });

  /** Rows may move between finding and reading them: then both are done again. */
  async function answer<Found extends { rowId: bigint; score: number }>(
    find: () => Promise<readonly Found[]>,
  ): Promise<Buffer[]> {
    for (let attempt = 1; attempt <= tries; attempt++) {
      await Promise.all([trajectories.checkoutLatest(), analysis.checkoutLatest()]);
      const found = await find();
      const wanted = found.map(({ rowId, score }) => ({ rowId, members: { score: rounded(score) } }));
      const texts = await takeRowTexts(trajectories, findNotes, wanted, limit);
      if (texts) return texts;
    }
    throw new Error(`rows moved during each of ${tries} searches`);
  }

  /** As a search for the words of a stored question goes; nobody is told. */
  async function searchStoredWords(): Promise<void> {
    const some = await readFresh(trajectories, () => trajectories.query().select(['question']).limit(1).toArrow());
    const question = String(some.getChild('question')?.get(0) ?? '');
    if (question !== '') await answer(async () => (await text.search(question, prewarmedRows)).rows);
  }

  const askedOf = (shape: AskedQuery['shape'], plan: string) => () => ({
    shape,
    explain: async () => ({ plan: [plan], indexes: [], tableVersion: await trajectories.version() }),
  });

  void upkeep.run();
  return {
    async searchText(given, limit) {
      const startedAt = performance.now();
      let way: 'index' | 'scan' = 'index';
      const rows = await answer(async () => {
        const found = await text.search(given, limit);
        way = found.way;
        return found.rows;
      });
      const durationSeconds = secondsSince(startedAt);
      const asked = askedOf({ characters: given.length, limit }, `full text: ${way}`);
      onEvent({ type: 'searched', kind: 'text', way, durationSeconds, rows: rows.length, asked });
      return rows;
    },
    async searchSimilar(question, limit, isGrouped) {
      const startedAt = performance.now();
      const complete = upkeep.isComplete();
      const rows = await answer(() => similar.search(question, limit, isGrouped));
      const durationSeconds = secondsSince(startedAt);
      const shape = { characters: question.length, limit, grouped: isGrouped, complete };
      const asked = askedOf(shape, 'nearest vectors');
      onEvent({ type: 'searched', kind: 'similar', way: 'index', durationSeconds, rows: rows.length, asked });
      return { rows, complete };
    },
    changed: upkeep.changed,
    upkeep: () => upkeep.run(true),
    progress: () => ({ ...progress }),
    async prewarmSteps() {
      const steps = await indexSteps('question vectors', vectors);
      const missed = readFresh(trajectories, () => rowsWithoutText(trajectories, searchedColumns));
      // One that cannot be read is the searches' matter.
      const hasIndex = (await missed.catch(() => undefined)) !== undefined;
      return hasIndex ? [...steps, { name: 'trajectories: search by words', run: searchStoredWords }] : steps;
    },
    async close() {
      closing.abort(new Error('the search is closing'));
      await upkeep.close();
      for (const table of [trajectories, analysis, vectors]) table.close();
      database.close();
    },
  };
}

const rounded = (score: number) => Math.round(score * 1e4) / 1e4;
const secondsSince = (startedAt: number) => (performance.now() - startedAt) / 1000;
