import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import { spoolFailed, uploadBroken, uploadInvalid, uploadTooLarge } from '../errors.js';
import { type FileIdentity, identityOf, isGzip } from '../source/source.js';
import { syncFolder } from './durable-file.js';

/** @source product contract, Trajectories ("POST /api/import") */
export interface SpoolLimits {
  maxBytes: number;
  /** The sender says that the bytes are gzip. */
  expectGzip: boolean;
}

/**
 * Writes an upload down as it comes, durably, holding one piece at a time. Whatever goes wrong, nothing is left.
 * @returns the file, as it must be found again when it is read
 * @throws Problem IMPORT_UPLOAD_BROKEN, IMPORT_UPLOAD_TOO_LARGE, IMPORT_UPLOAD_INVALID, IMPORT_STORAGE_FULL,
 * IMPORT_STORAGE_FAILED
 * @source product contract, Settled details ("An upload accepted with 202 goes on after a restart by itself")
 */
export async function spoolUpload(
  upload: AsyncIterable<Buffer>,
  file: string,
  { maxBytes, expectGzip }: SpoolLimits,
): Promise<FileIdentity> {
  try {
    const handle = await open(file, 'wx', 0o600).catch(rethrow(spoolFailed));
    try {
      let bytes = 0;
      for await (const piece of wholeOrBroken(upload)) {
        if (bytes === 0 && expectGzip && piece.length > 1 && !isGzip(piece)) {
          throw uploadInvalid('Expected a gzip body, as its Content-Encoding says, got other bytes');
        }
        bytes += piece.length;
        if (bytes > maxBytes) throw uploadTooLarge(maxBytes);
        await writeAll(handle, piece).catch(rethrow(spoolFailed));
      }
      await handle.sync().catch(rethrow(spoolFailed));
    } finally {
      await handle.close();
    }
    await syncFolder(path.dirname(file)).catch(rethrow(spoolFailed));
    return await identityOf(file);
  } catch (error) {
    await rm(file, { force: true }).catch(() => {});
    throw error;
  }
}

async function* wholeOrBroken(upload: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* upload;
  } catch (error) {
    throw uploadBroken(error);
  }
}

/** One write may take less than it was given, without an error, when the disk runs full. */
async function writeAll(handle: Awaited<ReturnType<typeof open>>, piece: Buffer): Promise<void> {
  for (let at = 0; at < piece.length; ) {
    const { bytesWritten } = await handle.write(piece, at);
    at += bytesWritten;
  }
}

const rethrow = (wrap: (error: unknown) => Error) => (error: unknown) => {
  throw wrap(error);
};
