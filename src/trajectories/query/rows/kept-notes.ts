import { readFresh, scanBatches, type Table } from '../../../lance/index.js';
import { type AnalysisLookup, type AnalysisNote, addNotes, noteColumns } from '../../analysis/analysis-lookup.js';
import { versionOf } from './shared-version.js';

/** The analysis table and the way to ask it. @source trajectory-optimization 2.2-B */
export interface KeptNotesOptions {
  table: Table;
  find: AnalysisLookup;
  /** Memory for the notes kept, in bytes. */
  maxBytes?: number;
}

/** Reading all rows of a table that may be kept costs about as much as so many lookups. */
const lookupsWorthAll = 4;
const bytesPerNote = 200;
/** Those that say nothing, as those of successes do, are one. */
const emptyNote: AnalysisNote = { category: '', rootCause: '' };
const bytesPerEmptyNote = 100;

/**
 * Looks notes up, and keeps all of them once they were asked for a few times in one version of the table and fit into
 * memory: a lookup costs as much as reading the page itself. Nothing is kept beyond a change of the table.
 * @source trajectory-optimization 2.2-B; product contract, Promises 6
 */
export function keepNotes({ table, find, maxBytes = 32 * 1024 * 1024 }: KeptNotesOptions): AnalysisLookup {
  let kept: { version: number; notes: Map<string, AnalysisNote> } | undefined;
  let asked = { version: -1, times: 0 };

  /** @returns undefined when there are too many */
  async function readAll(): Promise<Map<string, AnalysisNote> | undefined> {
    if ((await table.countRows()) * bytesPerEmptyNote > maxBytes) return undefined;
    const notes = new Map<string, AnalysisNote>();
    let bytes = 0;
    for await (const batch of scanBatches(table.query().select([...noteColumns]))) {
      const added = new Map<string, AnalysisNote>();
      addNotes(added, batch);
      for (const [id, note] of added) {
        const isEmpty = note.category === '' && note.rootCause === '';
        bytes += isEmpty ? bytesPerEmptyNote : bytesPerNote + 2 * (note.category.length + note.rootCause.length);
        bytes += 2 * id.length;
        notes.set(id, isEmpty ? emptyNote : note);
      }
      if (bytes > maxBytes) return undefined;
    }
    return notes;
  }

  async function keepAll(version: number): Promise<void> {
    try {
      const notes = await readFresh(table, readAll);
      if (notes && (await versionOf(table)) === version) kept = { version, notes };
    } catch {
      // The lookups that follow go on asking the table, and say what is wrong with it.
    }
  }

  return async (trajectoryIds) => {
    const version = await versionOf(table);
    if (kept?.version === version) return pick(kept.notes, trajectoryIds);
    kept = undefined;
    asked = asked.version === version ? { version, times: asked.times + 1 } : { version, times: 1 };
    if (asked.times === lookupsWorthAll) void keepAll(version);
    return find(trajectoryIds);
  };
}

function pick(notes: ReadonlyMap<string, AnalysisNote>, ids: readonly string[]): Map<string, AnalysisNote> {
  const found = new Map<string, AnalysisNote>();
  for (const id of ids) {
    const note = notes.get(id);
    if (note) found.set(id, note);
  }
  return found;
}
