import { openDatabase } from '../../../src/lance/index.js';
import { createLogger } from '../../../src/logger.js';
import type { Optimization } from '../../../src/optimization.js';
import type { AnalysisRow } from '../../../src/trajectories/analysis/analysis.js';
import { analysisTable } from '../../../src/trajectories/analysis/analysis-columns.js';
import { recordEnding, type TrajectoryRow, toRow } from '../../../src/trajectories/import/store/row.js';
import { batchRowWriter } from '../../../src/trajectories/import/store/row-writer.js';
import { openTrajectories, type Trajectories } from '../../../src/trajectories/index.js';
import { normalizeTrajectory } from '../../../src/trajectories/trajectory-normalizing.js';
import { analysisSchema, tableNames, trajectorySchema } from '../../../src/trajectories/trajectory-schema.js';
import { makeTrajectoryGroups } from '../../makers/trajectory-maker.js';

/**
 * One record as it is stored: its columns with the whole text of the record, and its analysis where it has one.
 * @source product contract, Trajectories ("Record", "analysis rows")
 */
export interface StoredRecord {
  row: TrajectoryRow;
  text: string;
  analysis: AnalysisRow | undefined;
}

const rowsPerCommit = 10_000;
const recordsPerAnalysis = 10;
/** One for all, as one import gives it. */
const importedAt = 1_760_000_000;
const rowIdCacheBytes = 64 * 1024 * 1024;

const switchedTo = <Settings>(enabled: boolean, settings: Settings): Optimization<Settings> => ({
  enabled,
  settings,
  failed(error) {
    throw new Error('the optimised way broke', { cause: error });
  },
});

/**
 * The stored trajectories of a folder as the service opens them, with `native_query`, `analysis_by_ids` and
 * `index_prewarm` on or off; what is loaded at start is loaded.
 * Answers are never kept: what is measured is how they are made. The indexes stay, since both share the folder.
 * @throws Error later on, when the optimised way breaks and the original one would have to answer
 * @source product contract, Optimisations
 */
export async function openPages(lanceUri: string, enabled: boolean): Promise<Trajectories> {
  let onLoaded = () => {};
  const loaded = new Promise<void>((resolve) => {
    onLoaded = resolve;
  });
  const trajectories = await openTrajectories({
    lanceUri,
    indexPrewarm: switchedTo(enabled, {}),
    nativeQuery: switchedTo(enabled, { row_id_cache_bytes: rowIdCacheBytes }),
    analysisById: switchedTo(enabled, {}),
    queryCache: switchedTo(false, { ttl_seconds: 300, max_bytes: 1 }),
    scalarIndexes: switchedTo(true, {}),
    logger: createLogger('silent'),
    onEvent(event) {
      if (event.type === 'prewarm' && event.state !== 'waiting' && event.state !== 'running') onLoaded();
    },
  });
  await loaded;
  return trajectories;
}

/** Every tenth record has an analysis, which agrees with its reward. */
function analysisOf({ trajectory_id, is_success, created_at }: TrajectoryRow, place: number): AnalysisRow | undefined {
  if (place % recordsPerAnalysis !== 0) return undefined;
  const [category, root_cause] = is_success ? ['', ''] : ['工具调用', `第 ${place} 条：参数缺失`];
  return { trajectory_id, is_success, category, root_cause, suggestion: '', updated_at: created_at };
}

function* storedRecords(records: number): Generator<StoredRecord> {
  let place = 0;
  for (const { trajectories } of makeTrajectoryGroups(records, records)) {
    for (const raw of trajectories) {
      const normalized = normalizeTrajectory(raw, importedAt);
      if (!normalized.ok) throw new Error(`a made record was refused: ${normalized.reasons.join('; ')}`);
      const row = toRow(normalized.trajectory, 'bench');
      row.seq = place + 1;
      const text = `${row.record_json.slice(0, -1)}${recordEnding(row)}`;
      yield { row, text, analysis: analysisOf(row, place) };
      place += 1;
    }
  }
}

/**
 * Fills a folder with made records, every tenth with an analysis, through the product's own row builders, ten thousand
 * a commit, and brings its indexes up to date. Nothing is made durable.
 * @param each is given the records of every commit too, before the next one is made
 * @returns the ids stored, and what storing and indexing them took
 * @source product contract, Trajectories ("Record")
 */
export async function fillStore(
  lanceUri: string,
  records: number,
  each: (records: readonly StoredRecord[]) => Promise<void>,
): Promise<{ ids: string[]; seconds: number }> {
  const database = await openDatabase(lanceUri);
  const trajectories = await database.openTable(tableNames.trajectories, trajectorySchema);
  const analysis = await database.openTable(tableNames.analysis, analysisSchema);
  const ids: string[] = [];
  let waiting: StoredRecord[] = [];
  let milliseconds = 0;
  const timed = async (task: () => Promise<void>) => {
    const startedAt = performance.now();
    await task();
    milliseconds += performance.now() - startedAt;
  };
  const commit = async () => {
    const rows = waiting.map(({ row }) => row);
    await timed(async () => {
      await batchRowWriter.add(trajectories, rows, () => {});
      await analysis.add(analysisTable(waiting.flatMap((record) => record.analysis ?? [])));
    });
    await each(waiting);
    waiting = [];
  };
  for (const record of storedRecords(records)) {
    ids.push(record.row.trajectory_id);
    waiting.push(record);
    if (waiting.length === rowsPerCommit) await commit();
  }
  if (waiting.length > 0) await commit();
  trajectories.close();
  analysis.close();
  database.close();
  const opened = await openPages(lanceUri, true);
  await timed(() => opened.maintain());
  await opened.close();
  return { ids, seconds: milliseconds / 1000 };
}
