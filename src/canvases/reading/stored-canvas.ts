import { type FileStamp, isRacy } from '../vault/file-stamp.js';

/**
 * One version of a canvas as it lies in its file.
 * @source product contract, Canvases (`GET`)
 */
export interface StoredCanvas {
  readonly kind: 'canvas';
  readonly bytes: Buffer;
  /** Strong, quotes included. */
  readonly etag: string;
  readonly stamp: FileStamp;
  /** Modification time of the file, ms since the epoch. */
  readonly modifiedMs: number;
  /** The same as an HTTP date, never later than the moment it was read. */
  readonly lastModified: string;
  /** Whether a change right after could have left the stamp as it is; then only the bytes tell. */
  readonly racy: boolean;
}

/**
 * What was found at a path. `invalid`: no JSON, and unchanged for a second; `changing`: no JSON, or never twice the
 * same, and another program was at it a moment ago; `too_large`: not read at all.
 * @source product contract, Settled details ("A file that is not valid JSON")
 */
export type FileState =
  | StoredCanvas
  | { readonly kind: 'missing' }
  | { readonly kind: 'changing' }
  | { readonly kind: 'invalid'; readonly etag: string; readonly stamp: FileStamp; readonly modifiedMs: number }
  | { readonly kind: 'too_large'; readonly size: number; readonly stamp: FileStamp; readonly modifiedMs: number };

/**
 * A modification time as an HTTP date, never in the future.
 * @param timeMs ms since the epoch
 * @param wallMs the machine's date, ms since the epoch
 * @source RFC 9110 sections 5.6.7 and 8.8.2.1
 */
export const httpDate = (timeMs: number, wallMs: number): string =>
  new Date(Math.max(0, Math.min(timeMs, wallMs))).toUTCString();

/**
 * Puts a version together.
 * @param wallMs the machine's date just before the stamp was taken, ms since the epoch
 * @source product contract, Canvases (`GET`)
 */
export function storedCanvas(bytes: Buffer, etag: string, stamp: FileStamp, wallMs: number): StoredCanvas {
  const modifiedMs = Number(stamp.mtimeNs / 1_000_000n);
  return {
    kind: 'canvas',
    bytes,
    etag,
    stamp,
    modifiedMs,
    lastModified: httpDate(modifiedMs, wallMs),
    racy: isRacy(stamp, wallMs),
  };
}
