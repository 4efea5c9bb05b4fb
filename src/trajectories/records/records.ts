import { createMarkWriter, type MarkWriter } from './mark-writer.js';
import { createRecordWriter, type RecordWriter, type RecordWriterOptions } from './record-writer.js';

/** What was written to a record. @source story-17.4 AC5 */
export type RecordOperation = 'create' | 'replace' | 'delete' | 'tags' | 'bookmark' | 'notes';

/** All writes to single records. @source product contract, Trajectories ("POST, PUT, DELETE") */
export type Records = RecordWriter & MarkWriter;

/** `onWritten` is told of each write that is durable. @source story-17.4 AC5 */
export interface RecordsOptions extends RecordWriterOptions {
  onWritten(written: { operation: RecordOperation; durationSeconds: number }): void;
}

/** Writers over tables that are open already. @source product contract, Trajectories ("POST, PUT, DELETE") */
export function createRecords(options: RecordsOptions): Records {
  const records = createRecordWriter(options);
  const marks = createMarkWriter(options);

  async function timed<T>(operation: RecordOperation, write: Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const result = await write;
    options.onWritten({ operation, durationSeconds: (performance.now() - startedAt) / 1000 });
    return result;
  }

  return {
    create: (raw) => timed('create', records.create(raw)),
    replace: (id, raw) => timed('replace', records.replace(id, raw)),
    remove: (id) => timed('delete', records.remove(id)),
    setTags: (id, tags) => timed('tags', marks.setTags(id, tags)),
    removeTag: (id, tag) => timed('tags', marks.removeTag(id, tag)),
    setBookmark: (id, isBookmarked) => timed('bookmark', marks.setBookmark(id, isBookmarked)),
    setNotes: (id, notes) => timed('notes', marks.setNotes(id, notes)),
  };
}
