import type { RecordBatch } from 'apache-arrow';
import { columnValues, type QuestionFigures, textColumn } from '../question-figures.js';
import { TextCodes } from '../text-codes.js';
import { extended, type RowSink, removeAt } from './row-mirror.js';

/**
 * Bytes of memory that a row takes, its row id in the mirror included.
 * @source product contract, Promises 6
 */
export const bytesPerRow = 45;

/** What the rows of each question add up to, by its code. @source product contract, Trajectories ("/api/questions") */
export interface SumsByCode {
  rewards: Float64Array;
  seconds: Float64Array;
  firstSeqs: Float64Array;
  firstRowIds: BigUint64Array;
  attempts: Uint32Array;
  successes: Uint32Array;
}

/**
 * What the figures need of each row, in the order of row ids, what that adds up to, and the data_id of each code.
 * @source product contract, Trajectories ("/api/analysis/stats", "/api/questions")
 */
export interface SummedRows {
  rowIds: BigUint64Array;
  rewards: Float64Array;
  seconds: Float64Array;
  seqs: Float64Array;
  codes: Uint32Array;
  flags: Uint8Array;
  sums: SumsByCode;
  texts: TextCodes['texts'];
}

/**
 * Holds what the figures need of each row ({@link bytesPerRow}), and the sums of each question, so that a change of some rows is
 * a change of some sums. A question that loses a row is added up again from its rows: taking numbers off a sum would
 * leave their rounding behind.
 * @source product contract, Trajectories ("/api/analysis/stats", "/api/questions")
 */
export class QuestionSums implements RowSink {
  private ids = new TextCodes();
  private length = 0;
  private rows = emptyRows();
  private sums = emptySums();
  /** Codes of questions whose sums are to be made anew. */
  private readonly stale = new Set<number>();

  /** Bytes of memory held. */
  get byteLength(): number {
    const arrays = [...Object.values(this.rows), ...Object.values(this.sums)];
    return this.ids.byteLength + arrays.reduce((bytes, array) => bytes + array.byteLength, 0);
  }

  /** The rows held and their sums, as views that the next change spoils. */
  get held(): SummedRows {
    this.settle();
    const { codes, flags, rewards, seconds, seqs, rowIds } = this.rows;
    const n = this.length;
    return {
      rowIds: rowIds.subarray(0, n),
      rewards: rewards.subarray(0, n),
      seconds: seconds.subarray(0, n),
      seqs: seqs.subarray(0, n),
      codes: codes.subarray(0, n),
      flags: flags.subarray(0, n),
      sums: firstOf(this.sums, this.ids.size),
      texts: this.ids.texts,
    };
  }

  /** Takes over what was held before, in place of its own. */
  hold({ texts, sums, ...rows }: SummedRows): void {
    this.clear();
    this.ids = TextCodes.of(texts);
    this.sums = sums;
    this.rows = rows;
    this.length = rows.codes.length;
  }

  append(batch: RecordBatch): void {
    const { values, offsets } = textColumn(batch, 'data_id');
    const flags = columnValues(batch, 'is_success') as Uint8Array;
    const [rewards, seconds, seqs] = ['reward', 'exec_time', 'seq'].map((name) => columnValues(batch, name));
    const rowIds = columnValues(batch, '_rowid') as BigUint64Array;
    if (this.length + batch.numRows > this.rows.codes.length) this.growRows(this.length + batch.numRows);
    const { rows } = this;
    for (let i = 0; i < batch.numRows; i++) {
      const at = this.length++;
      const code = this.ids.add(values, offsets[i]!, offsets[i + 1]!);
      if (code >= this.sums.attempts.length) this.growSums();
      rows.codes[at] = code;
      rows.flags[at] = (flags[i >> 3]! >> (i & 7)) & 1;
      rows.rewards[at] = rewards![i] as number;
      rows.seconds[at] = seconds![i] as number;
      rows.seqs[at] = seqs![i] as number;
      rows.rowIds[at] = rowIds[i]!;
      if (!this.stale.has(code)) this.count(code, at);
    }
  }

  remove(places: readonly number[]): void {
    for (const place of places) this.stale.add(this.rows.codes[place]!);
    for (const array of Object.values(this.rows)) removeAt(array, places, this.length);
    this.length -= places.length;
  }

  clear(): void {
    this.ids = new TextCodes();
    this.length = 0;
    this.rows = emptyRows();
    this.sums = emptySums();
    this.stale.clear();
  }

  /** What it adds up to now; later changes leave the result alone, but for new ids behind its own. */
  figures(): QuestionFigures {
    this.settle();
    const { sums, ids, length } = this;
    const { size } = ids;
    return {
      ids,
      total: length,
      attempts: sums.attempts.slice(0, size),
      successes: sums.successes.slice(0, size),
      rewards: sums.rewards.slice(0, size),
      seconds: sums.seconds.slice(0, size),
      firstSeqs: sums.firstSeqs.slice(0, size),
      firstRowIds: sums.firstRowIds.slice(0, size),
    };
  }

  /** Makes the sums of stale questions anew, in one pass over the codes of all rows. */
  private settle(): void {
    if (this.stale.size === 0) return;
    const { codes } = this.rows;
    const isStale = new Uint8Array(this.ids.size);
    for (const code of this.stale) {
      isStale[code] = 1;
      this.sums.attempts[code] = 0;
      this.sums.successes[code] = 0;
      this.sums.rewards[code] = 0;
      this.sums.seconds[code] = 0;
    }
    for (let at = 0; at < this.length; at++) {
      if (isStale[codes[at]!] === 1) this.count(codes[at]!, at);
    }
    this.stale.clear();
  }

  private count(code: number, at: number): void {
    const { rows, sums } = this;
    const seq = rows.seqs[at]!;
    if (sums.attempts[code] === 0 || seq < sums.firstSeqs[code]!) {
      sums.firstSeqs[code] = seq;
      sums.firstRowIds[code] = rows.rowIds[at]!;
    }
    sums.attempts[code]! += 1;
    sums.successes[code]! += rows.flags[at]!;
    sums.rewards[code]! += rows.rewards[at]!;
    sums.seconds[code]! += rows.seconds[at]!;
  }

  private growRows(needed: number): void {
    const { codes, flags, rewards, seconds, seqs, rowIds } = this.rows;
    const length = Math.ceil(needed * 1.5);
    this.rows = {
      codes: extended(codes, length),
      flags: extended(flags, length),
      rewards: extended(rewards, length),
      seconds: extended(seconds, length),
      seqs: extended(seqs, length),
      rowIds: extended(rowIds, length),
    };
  }

  private growSums(): void {
    const { attempts, successes, rewards, seconds, firstSeqs, firstRowIds } = this.sums;
    const length = Math.max(1024, attempts.length * 2);
    this.sums = {
      attempts: extended(attempts, length),
      successes: extended(successes, length),
      rewards: extended(rewards, length),
      seconds: extended(seconds, length),
      firstSeqs: extended(firstSeqs, length),
      firstRowIds: extended(firstRowIds, length),
    };
  }
}

function firstOf(sums: SumsByCode, size: number): SumsByCode {
  return {
    rewards: sums.rewards.subarray(0, size),
    seconds: sums.seconds.subarray(0, size),
    firstSeqs: sums.firstSeqs.subarray(0, size),
    firstRowIds: sums.firstRowIds.subarray(0, size),
    attempts: sums.attempts.subarray(0, size),
    successes: sums.successes.subarray(0, size),
  };
}

const emptyRows = (): Omit<SummedRows, 'texts' | 'sums'> => ({
  codes: new Uint32Array(0),
  flags: new Uint8Array(0),
  rewards: new Float64Array(0),
  seconds: new Float64Array(0),
  seqs: new Float64Array(0),
  rowIds: new BigUint64Array(0),
});

const emptySums = (): SumsByCode => ({
  attempts: new Uint32Array(1024),
  successes: new Uint32Array(1024),
  rewards: new Float64Array(1024),
  seconds: new Float64Array(1024),
  firstSeqs: new Float64Array(1024),
  firstRowIds: new BigUint64Array(1024),
});
