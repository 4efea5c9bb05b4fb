import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import { syncFolder } from '../../../durable-file.js';
import { spoolFailed, uploadBroken, uploadInvalid, uploadTooLarge } from '../errors.js';
import { type FileIdentity, identityOf, isGzip } from '../source/source.js';

/** @source product contract, Trajectories ("POST /api/import") */
export interface SpoolLimits {
  maxBytes: number;
  /** Bytes that may still be written in a folder, by this upload and those beside it; any when left out. */
  spaceLeft?(folder: string): Promise<number>;
  /** The sender says that the bytes are gzip. */
  expectGzip: boolean;
  /** Called once more than `largeBytes` have come. */
  largeBytes?: number;
  onLarge?(): void;
}

/** What comes is written down in pieces of about this size: a write costs the same whatever it writes. */
const bytesPerWrite = 1024 * 1024;

/**
 * Writes an upload down as it comes, durably: while one piece is written the next is gathered, and no more is held.
 * Whatever goes wrong, nothing is left.
 * @returns the file, as it must be found again when it is read
 * @throws Problem IMPORT_UPLOAD_BROKEN, IMPORT_UPLOAD_TOO_LARGE, IMPORT_UPLOAD_INVALID, IMPORT_STORAGE_FULL,
 * IMPORT_STORAGE_FAILED
 * @source product contract, Settled details ("An upload accepted with 202 goes on after a restart by itself")
 */
export async function spoolUpload(
  upload: AsyncIterable<Buffer>,
  file: string,
  { maxBytes, spaceLeft, expectGzip, largeBytes = Number.POSITIVE_INFINITY, onLarge }: SpoolLimits,
): Promise<FileIdentity> {
  const folder = path.dirname(file);
  const assertSpace = async () => {
    if (spaceLeft && (await spaceLeft(folder)) <= 0) throw spoolFailed(noSpace());
  };
  try {
    await assertSpace();
    const handle = await open(file, 'wx', 0o600).catch(rethrow(spoolFailed));
    let writing: Promise<void> = Promise.resolve();
    try {
      let bytes = 0;
      let held: Buffer[] = [];
      let heldBytes = 0;
      for await (const piece of wholeOrBroken(upload)) {
        if (bytes === 0 && expectGzip && piece.length > 1 && !isGzip(piece)) {
          throw uploadInvalid('Expected a gzip body, as its Content-Encoding says, got other bytes');
        }
        if (bytes <= largeBytes && bytes + piece.length > largeBytes) onLarge?.();
        bytes += piece.length;
        if (bytes > maxBytes) throw uploadTooLarge(maxBytes);
        held.push(piece);
        heldBytes += piece.length;
        if (heldBytes < bytesPerWrite) continue;
        await writing;
        await assertSpace();
        writing = writeAll(handle, held);
        // Awaited before the next write; by then it may have failed for long.
        writing.catch(() => {});
        held = [];
        heldBytes = 0;
      }
      await writing;
      await writeAll(handle, held);
      await handle.sync().catch(rethrow(spoolFailed));
    } finally {
      await writing.catch(() => {});
      await handle.close();
    }
    await syncFolder(folder).catch(rethrow(spoolFailed));
    return await identityOf(file);
  } catch (error) {
    await rm(file, { force: true }).catch(() => {});
    throw error;
  }
}

const noSpace = () => Object.assign(new Error('only the reserve of the disk is left'), { code: 'ENOSPC' });

async function* wholeOrBroken(upload: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* upload;
  } catch (error) {
    throw uploadBroken(error);
  }
}

/**
 * One write may take less than it was given, without an error, when the disk runs full.
 * @throws Problem IMPORT_STORAGE_FULL, IMPORT_STORAGE_FAILED
 */
async function writeAll(handle: Awaited<ReturnType<typeof open>>, pieces: readonly Buffer[]): Promise<void> {
  let left = pieces.filter((piece) => piece.length > 0);
  while (left.length > 0) {
    let { bytesWritten } = await handle.writev(left).catch(rethrow(spoolFailed));
    const whole = left.findIndex((piece) => {
      if (piece.length > bytesWritten) return true;
      bytesWritten -= piece.length;
      return false;
    });
    left = whole < 0 ? [] : [left[whole]!.subarray(bytesWritten), ...left.slice(whole + 1)];
  }
}

const rethrow = (wrap: (error: unknown) => Error) => (error: unknown) => {
  throw wrap(error);
};
