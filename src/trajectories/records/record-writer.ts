import { listLiteral, numberLiteral, retryOnConflict, stringLiteral, type Table } from '../../lance/index.js';
import { trajectoryNotFound } from '../errors.js';
import { type TrajectoryRow, toRow } from '../import/store/row.js';
import { batchRowWriter } from '../import/store/row-writer.js';
import type { WriteQueue } from '../store/write-queue.js';
import { normalizeTrajectory } from '../trajectory-normalizing.js';
import { isObject } from '../trajectory-values.js';
import { trajectoryExists, trajectoryInvalid } from './errors.js';
import { createSeqSource } from './seq-source.js';
import { type StoredRecord, storedRecords } from './stored-record.js';

/** Both tables and what writing to them needs. @source product contract, Trajectories */
export interface RecordWriterOptions {
  trajectories: Table;
  analysis: Table;
  writes: WriteQueue;
  /** Who may bring new ids does so in its turn, imports too, which do not wait for other writes. */
  newIds: WriteQueue;
  /** Epoch seconds. */
  now(): number;
  /** Makes both tables' commits survive a power cut. */
  makeDurable(): Promise<void>;
  /** Waited for before a record is stored whose text has so many bytes. */
  raiseLargest(bytes: number): Promise<void>;
  /** Waited for before these rows are replaced or deleted, so that no import that is not finished stores them again. */
  overriding(rows: readonly Pick<StoredRecord, 'importId' | 'seq'>[]): Promise<void>;
}

/**
 * Creates, replaces and deletes single records, one after the other with all other writes of this process, the commits
 * of imports included: an id that both bring in the same moment is stored once. What has resolved is durable. Records
 * are brought to their normal form as imports do it. Any of them rejects with Problem WRITES_BUSY when too many wait.
 * @source product contract, Trajectories ("POST, PUT, DELETE") and Promises 1
 */
export interface RecordWriter {
  /** @returns the id @throws Problem TRAJECTORY_INVALID, TRAJECTORY_EXISTS */
  create(raw: unknown): Promise<string>;
  /**
   * Puts the record in place of the stored one. The time of its creation and its place in every order stay; tags,
   * notes and bookmark stay where the new record does not name them.
   * @throws Problem TRAJECTORY_INVALID, TRAJECTORY_NOT_FOUND
   */
  replace(trajectoryId: string, raw: Record<string, unknown>): Promise<void>;
  /** Deletes the record and its analysis. @throws Problem TRAJECTORY_NOT_FOUND */
  remove(trajectoryId: string): Promise<void>;
}

/** A writer over tables that are open already. @source product contract, Trajectories */
export function createRecordWriter(options: RecordWriterOptions): RecordWriter {
  const { trajectories, analysis, writes, newIds, now, makeDurable, overriding, raiseLargest } = options;
  const seqs = createSeqSource(trajectories, now);

  /** An import in its own thread may have committed since. */
  const newest = () => Promise.all([trajectories.checkoutLatest(), analysis.checkoutLatest()]);

  /** With no commit of an import beside it. In this order: an import must not wait for a record that waits for upkeep. */
  const alone = <T>(write: () => Promise<T>, bytes?: number) => writes.run(() => newIds.run(write), bytes);

  function rowOf(raw: unknown): TrajectoryRow {
    const normalized = normalizeTrajectory(raw, now());
    if (!normalized.ok) throw trajectoryInvalid(normalized.reasons);
    return toRow(normalized.trajectory, '');
  }

  /** An analysis row knows better than the reward. */
  async function judge(row: TrajectoryRow): Promise<void> {
    if ((await analysis.countRows()) === 0) return;
    const where = `trajectory_id IN ${listLiteral([row.trajectory_id])}`;
    const [verdict] = await analysis.query().where(where).select(['is_success']).limit(1).toArray();
    if (verdict) row.is_success = Boolean(verdict.is_success);
  }

  return {
    async create(raw) {
      const row = rowOf(raw);
      const where = whereId(row.trajectory_id);
      const add = async () => {
        await newest();
        if ((await trajectories.countRows(where)) > 0) throw trajectoryExists(row.trajectory_id);
        await judge(row);
        row.seq = await seqs.next();
        await raiseLargest(row.record_json.length);
        await batchRowWriter.add(trajectories, [row], () => {});
        await trajectories.checkoutLatest();
        if ((await trajectories.countRows(where)) === 1) return;
        await retryOnConflict(() => trajectories.delete(`${where} AND seq = ${numberLiteral(row.seq)}`));
        throw trajectoryExists(row.trajectory_id);
      };
      await alone(add, row.record_json.length);
      await makeDurable();
      return row.trajectory_id;
    },
    async replace(trajectoryId, raw) {
      const inner = isObject(raw.trajectory) ? raw.trajectory : {};
      const named = { ...raw, ...inner };
      const hasId = named.trajectory_id !== undefined && named.trajectory_id !== null;
      const row = rowOf(hasId ? raw : { ...raw, trajectory_id: trajectoryId });
      if (row.trajectory_id !== trajectoryId) {
        throw trajectoryInvalid(['trajectory_id: expected the id in the address, or none']);
      }
      const where = whereId(trajectoryId);
      await alone(async () => {
        await newest();
        const [stored, ...twins] = await storedRecords(trajectories, where);
        if (!stored) throw trajectoryNotFound(trajectoryId);
        await overriding([stored, ...twins]);
        if (twins.length > 0) {
          await retryOnConflict(() => trajectories.delete(`${where} AND seq <> ${numberLiteral(stored.seq)}`));
        }
        const { seq, created_at } = stored;
        Object.assign(row, { seq, created_at, updated_at: now() });
        for (const mark of ['tags', 'notes', 'is_bookmarked'] as const) {
          if (named[mark] === undefined) Object.assign(row, { [mark]: stored[mark] });
        }
        await judge(row);
        await raiseLargest(row.record_json.length);
        await batchRowWriter.replace(trajectories, [row], () => {});
      }, row.record_json.length);
      await makeDurable();
    },
    async remove(trajectoryId) {
      const where = whereId(trajectoryId);
      const existed = await alone(async () => {
        await newest();
        const stored = await storedRecords(trajectories, where);
        if (stored.length > 0) {
          await overriding(stored);
          await retryOnConflict(() => trajectories.delete(where));
        }
        if ((await analysis.countRows()) > 0 && (await analysis.countRows(where)) > 0) {
          await retryOnConflict(() => analysis.delete(where));
        }
        return stored.length > 0;
      });
      if (!existed) throw trajectoryNotFound(trajectoryId);
      await makeDurable();
    },
  };
}

const whereId = (trajectoryId: string) => `trajectory_id = ${stringLiteral(trajectoryId)}`;
