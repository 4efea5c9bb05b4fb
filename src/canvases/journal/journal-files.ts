import fs from 'node:fs';
import { readdir, readFile, truncate, unlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { makeFolderDurably, syncFolder } from '../../durable-file.js';

/**
 * One segment that is being written.
 * @source house rules, Tests (faults come through an injected face)
 */
export interface SegmentFile {
  /** @returns how many bytes were taken, perhaps fewer than given */
  write(buffers: Buffer[], position: number): Promise<number>;
  datasync(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * The folder of segments, as the journal sees it. Segments are known by number.
 * @source house rules, Tests (faults come through an injected face)
 */
export interface JournalFiles {
  /** Makes the folder, durably, when it is missing. */
  prepare(): Promise<void>;
  /** @returns the numbers of all segments, ascending */
  list(): Promise<number[]>;
  read(segment: number): Promise<Buffer>;
  /** @throws EEXIST when the segment is there */
  create(segment: number): Promise<SegmentFile>;
  truncate(segment: number, length: number): Promise<void>;
  /** A segment that is gone already is no error. */
  remove(segment: number): Promise<void>;
  /** Makes the names in the folder durable. */
  syncFolder(): Promise<void>;
}

const writev = promisify(fs.writev);
const fdatasync = promisify(fs.fdatasync);
const ftruncate = promisify(fs.ftruncate);
const openDescriptor = promisify(fs.open);
const close = promisify(fs.close);

const segmentName = (segment: number) => `journal-${String(segment).padStart(8, '0')}.log`;
const segmentPattern = /^journal-(\d{8,10})\.log$/;

/**
 * Segments as files `journal-<number>.log` of one folder. Files that are named otherwise are left alone.
 * @param folder absolute path
 * @source fsync(2) (a new file's name needs an fsync of its folder)
 */
export function nodeJournalFiles(folder: string): JournalFiles {
  const at = (segment: number) => path.join(folder, segmentName(segment));
  return {
    prepare: () => makeFolderDurably(folder, 0o700),
    async list() {
      const names = await readdir(folder);
      const numbers = names.flatMap((name) => segmentPattern.exec(name)?.[1] ?? []).map(Number);
      return numbers.sort((a, b) => a - b);
    },
    read: (segment) => readFile(at(segment)),
    async create(segment) {
      const descriptor = await openDescriptor(at(segment), 'wx', 0o600);
      return {
        write: async (buffers, position) => (await writev(descriptor, buffers, position)).bytesWritten,
        datasync: () => fdatasync(descriptor),
        truncate: (length) => ftruncate(descriptor, length),
        close: () => close(descriptor),
      };
    },
    truncate: (segment, length) => truncate(at(segment), length),
    remove: (segment) =>
      unlink(at(segment)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      }),
    syncFolder: () => syncFolder(folder),
  };
}
