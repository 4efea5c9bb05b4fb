/**
 * The partitions: a file for each UTC day that has events, to which lines are only added. Its length here is how far it
 * is acknowledged; what lies beyond, after a failed or interrupted write, is never read and gets overwritten. Writing
 * does not make durable: the journal has done that before, until `sync` makes it superfluous.
 */
import { constants } from 'node:fs';
import { mkdir, open, readdir, stat, truncate, unlink } from 'node:fs/promises';
import path from 'node:path';
import { syncFolder } from '../../../durable-file.js';
import { dayMs, dayName, dayOf } from '../event-time.js';

const pattern = /^(\d{4}-\d\d-\d\d)\.events$/;

/** @source story-17.4 task 6 (partitions by date) */
export class DayFiles {
  readonly #folder: string;
  readonly #lengths: Map<number, number>;
  /** Ascending; undefined when it has to be made anew. */
  #days: number[] | undefined;
  readonly #unsynced = new Set<number>();

  private constructor(folder: string, lengths: Map<number, number>) {
    this.#folder = folder;
    this.#lengths = lengths;
  }

  /** @throws the system's error when the folder cannot be made or read */
  static async open(folder: string): Promise<DayFiles> {
    await mkdir(folder, { recursive: true });
    const lengths = new Map<number, number>();
    for (const name of await readdir(folder)) {
      const day = dayOf(Date.parse(`${pattern.exec(name)?.[1]}T00:00:00Z`));
      if (!Number.isFinite(day) || `${dayName(day)}.events` !== name) continue;
      const stats = await stat(path.join(folder, name));
      if (stats.isFile()) lengths.set(day, stats.size);
    }
    return new DayFiles(folder, lengths);
  }

  /** Days that have events, ascending, as days since 1970. */
  get days(): readonly number[] {
    this.#days ??= [...this.#lengths.keys()].sort((a, b) => a - b);
    return this.#days;
  }

  /** Days that overlap a range of ms, newest first. */
  within(fromMs: number, toMs: number): number[] {
    return this.days.filter((day) => (day + 1) * dayMs > fromMs && day * dayMs < toMs).reverse();
  }

  has(day: number): boolean {
    return this.#lengths.has(day);
  }

  /** Bytes that are acknowledged; 0 for a day without events. */
  length(day: number): number {
    return this.#lengths.get(day) ?? 0;
  }

  get bytes(): number {
    let sum = 0;
    for (const length of this.#lengths.values()) sum += length;
    return sum;
  }

  /**
   * @returns fewer bytes when the file is shorter
   * @throws the system's error
   */
  async read(day: number, from: number, to: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(to - from);
    const handle = await open(this.#path(day), 'r');
    try {
      let got = 0;
      while (got < buffer.length) {
        const { bytesRead } = await handle.read(buffer, got, buffer.length - got, from + got);
        if (bytesRead === 0) break;
        got += bytesRead;
      }
      return buffer.subarray(0, got);
    } finally {
      await handle.close();
    }
  }

  /** Writes without taking the bytes for acknowledged. */
  async write(day: number, position: number, bytes: Buffer): Promise<void> {
    this.#unsynced.add(day);
    const handle = await open(this.#path(day), constants.O_RDWR | constants.O_CREAT);
    try {
      let written = 0;
      while (written < bytes.length) {
        const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written);
        if (bytesWritten === 0) throw Object.assign(new Error('the file takes no more bytes'), { code: 'ENOSPC' });
        written += bytesWritten;
      }
    } finally {
      await handle.close();
    }
  }

  /** Takes a day for acknowledged up to `length`. */
  acknowledge(day: number, length: number): void {
    if (!this.#lengths.has(day)) this.#days = undefined;
    this.#lengths.set(day, length);
  }

  /** Cuts off what lies beyond `length`, if anything does. */
  async cut(day: number, length: number): Promise<void> {
    const stats = await stat(this.#path(day)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    if (stats?.isFile() && stats.size > length) await truncate(this.#path(day), length);
  }

  /** Makes all that was written durable. */
  async sync(): Promise<void> {
    if (this.#unsynced.size === 0) return;
    for (const day of [...this.#unsynced].sort((a, b) => a - b)) {
      const handle = await open(this.#path(day), 'r+').catch((error: NodeJS.ErrnoException) => {
        // Removed by hand while the service runs: nothing is left to be made durable.
        if (error.code !== 'ENOENT') throw error;
      });
      try {
        await handle?.datasync();
      } finally {
        await handle?.close();
      }
    }
    await syncFolder(this.#folder);
    this.#unsynced.clear();
  }

  /** Removes a day for good. */
  async remove(day: number): Promise<void> {
    this.#lengths.delete(day);
    this.#days = undefined;
    await unlink(this.#path(day)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await syncFolder(this.#folder);
  }

  #path(day: number): string {
    return path.join(this.#folder, `${dayName(day)}.events`);
  }
}
