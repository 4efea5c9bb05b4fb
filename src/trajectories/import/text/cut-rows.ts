import { isUtf8 } from 'node:buffer';
import type { Trajectory } from '../../trajectory.js';
import { normalizeTrajectory } from '../../trajectory-normalizing.js';
import { isObject } from '../../trajectory-values.js';
import { isOfOtherTool } from '../formats/other-tools.js';
import type { TextEncoding } from '../source/text-reader.js';
import type { TextArena } from '../store/memory/text-arena.js';
import { hasPlainIds, type TrajectoryRow, toRow } from '../store/row.js';
import { type CutRecord, RecordCutter } from './record-cutter.js';

/**
 * Makes rows of a text without parsing the long lists in it. The rows are those that parsing gives, byte for byte;
 * texts for which that is not sure are left to parsing, and after some of them in a row most are not tried.
 */

/** Longer texts are parsed: what is copied here is held as a whole. */
const maxTextBytes = 8 * 1024 * 1024;
const maxPause = 64;

/** What rows are made with. @source product contract, Trajectories ("Record") */
export interface CutRowsOptions {
  importId: string;
  /** Epoch seconds, for records without times of their own. */
  importedAt: number;
  /** How texts are read; see {@link TextEncoding}. */
  encoding: TextEncoding;
  arena: TextArena;
  /** Of records that name none. */
  source(): string;
}

/** @source product contract, Import formats; trajectory-optimization 1.2-A */
export class CutRows {
  private readonly cutter = new RecordCutter();
  /** Texts that are not tried, and how many it would be after another failure. */
  private pause = 0;
  private nextPause = 1;

  constructor(private readonly options: CutRowsOptions) {}

  /**
   * @param mayHoldList the text may be a list of records, or an object around one
   * @returns undefined when the text is to be parsed
   */
  of(text: Buffer, mayHoldList: boolean): TrajectoryRow[] | undefined {
    if (text.length > maxTextBytes) return undefined;
    if (this.pause > 0) {
      this.pause -= 1;
      return undefined;
    }
    const rows: TrajectoryRow[] = [];
    const take = (record: CutRecord) => {
      const row = this.rowOf(record);
      if (row) rows.push(row);
      return row !== undefined;
    };
    if (isUtf8(text) && this.cutter.read(text, mayHoldList, take)) {
      this.nextPause = 1;
      return rows.length > 0 ? rows : undefined;
    }
    this.pause = this.nextPause;
    this.nextPause = Math.min(maxPause, this.nextPause * 2);
    return undefined;
  }

  /** @returns undefined for a record that is another tool's, is refused, or needs its lists for more than being kept */
  private rowOf(record: CutRecord): TrajectoryRow | undefined {
    const { importId, arena } = this.options;
    let { encoding } = this.options;
    let trajectory = this.read(record, encoding);
    if (encoding === 'latin1' && !(trajectory && hasPlainIds(trajectory))) {
      // Ids are compared as characters, and some rules count them.
      encoding = 'utf8';
      trajectory = this.read(record, encoding);
    }
    if (!trajectory) return undefined;
    // The first message of the user may be the question.
    if (trajectory.task.question === '' && record.chatCompletions.length > 2) return undefined;
    if (record.stepCount > 0) trajectory.step_count = record.stepCount;
    if (trajectory.source === '') trajectory.source = this.options.source();
    return toRow(trajectory, importId, encoding, arena, record);
  }

  private read(record: CutRecord, encoding: TextEncoding): Trajectory | undefined {
    const value: unknown = JSON.parse(record.fields(encoding));
    if (isOfOtherTool(value) || hasListsInside(value)) return undefined;
    const normalized = normalizeTrajectory(value, this.options.importedAt);
    return normalized.ok ? normalized.trajectory : undefined;
  }
}

/** Inside the nested form, lists count before those outside. */
function hasListsInside(value: unknown): boolean {
  const inner = isObject(value) ? value.trajectory : undefined;
  return isObject(inner) && ('steps' in inner || 'chat_completions' in inner);
}
