import {
  booleanLiteral,
  numberLiteral,
  readFresh,
  retryOnConflict,
  stringLiteral,
  type Table,
} from '../../lance/index.js';
import { trajectoryNotFound } from '../errors.js';
import type { WriteQueue } from '../store/write-queue.js';
import { tagNotFound } from './errors.js';
import type { Marks } from './marks.js';
import { storedRecords } from './stored-record.js';

/** The table and what writing to it needs. @source product contract, Trajectories ("tags, bookmark and notes") */
export interface MarkWriterOptions {
  trajectories: Table;
  writes: WriteQueue;
  /** Epoch seconds. */
  now(): number;
  /** Makes the table's commits survive a power cut. */
  makeDurable(): Promise<void>;
}

/**
 * Changes what people put on a record, in place: no read goes before the write, so nothing that another writer changes
 * is taken back. What has resolved is durable; the marks answered are those after the change.
 * @source product contract, Trajectories ("tags, bookmark and notes") and Promises 1
 */
export interface MarkWriter {
  /** @throws Problem TRAJECTORY_NOT_FOUND, as all of these */
  setTags(trajectoryId: string, tags: readonly string[]): Promise<Marks>;
  /** @throws Problem TAG_NOT_FOUND */
  removeTag(trajectoryId: string, tag: string): Promise<Marks>;
  /** @param isBookmarked undefined turns it to the other */
  setBookmark(trajectoryId: string, isBookmarked: boolean | undefined): Promise<Marks>;
  setNotes(trajectoryId: string, notes: string): Promise<Marks>;
}

/** A writer over a table that is open already. @source product contract, Trajectories ("tags, bookmark and notes") */
export function createMarkWriter({ trajectories, writes, now, makeDurable }: MarkWriterOptions): MarkWriter {
  const countRows = (where: string) => readFresh(trajectories, () => trajectories.countRows(where));

  /** @param condition on the row beside its id; `otherwise` makes the error when the row fails it */
  async function change(
    trajectoryId: string,
    valuesSql: Record<string, string>,
    condition?: { sql: string; otherwise(): Error },
  ): Promise<Marks> {
    const ofId = `trajectory_id = ${stringLiteral(trajectoryId)}`;
    const where = condition ? `${ofId} AND ${condition.sql}` : ofId;
    const changed = await writes.run(async () => {
      if ((await countRows(where)) === 0) {
        throw condition && (await countRows(ofId)) > 0 ? condition.otherwise() : trajectoryNotFound(trajectoryId);
      }
      const updated_at = numberLiteral(now());
      await retryOnConflict(() => trajectories.update({ where, valuesSql: { ...valuesSql, updated_at } }));
      return storedRecords(trajectories, ofId);
    });
    await makeDurable();
    const [record] = changed;
    if (!record) throw trajectoryNotFound(trajectoryId);
    const { tags, notes, is_bookmarked, updated_at } = record;
    return { trajectory_id: trajectoryId, tags, notes, is_bookmarked, updated_at };
  }

  return {
    setTags: (id, tags) => change(id, { tags: `make_array(${tags.map(stringLiteral).join(', ')})` }),
    removeTag: (id, tag) =>
      change(
        id,
        { tags: `array_remove_all(tags, ${stringLiteral(tag)})` },
        { sql: `array_has(tags, ${stringLiteral(tag)})`, otherwise: () => tagNotFound(tag) },
      ),
    setBookmark: (id, isBookmarked) =>
      change(id, {
        is_bookmarked: isBookmarked === undefined ? 'NOT is_bookmarked' : booleanLiteral(isBookmarked),
      }),
    setNotes: (id, notes) => change(id, { notes: stringLiteral(notes) }),
  };
}
