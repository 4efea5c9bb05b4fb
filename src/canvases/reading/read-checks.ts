import { lstatSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip } from 'node:zlib';
import type { AnswerCheck } from '../../optimization.js';
import type { Clock } from '../clock.js';
import { isRacy } from '../vault/file-stamp.js';
import type { CodedCanvas } from './coding/variants.js';
import type { FileState } from './stored-canvas.js';

const unpack = { br: promisify(brotliDecompress), gzip: promisify(gunzip) };

/**
 * Says where two texts part, and nothing of what they hold.
 * @source product contract, Optimisations (`verification.sample_rate`)
 */
export function differenceOfBytes(optimised: Buffer, original: Buffer): string | undefined {
  if (optimised.equals(original)) return undefined;
  const shorter = Math.min(optimised.length, original.length);
  let at = 0;
  while (at < shorter && optimised[at] === original[at]) at += 1;
  return `${optimised.length} bytes against ${original.length}, differing from byte ${at} on`;
}

function differenceOfStates(optimised: FileState, original: FileState): string | undefined {
  // Nobody knows yet what a file that is being written will hold.
  if (optimised.kind === 'changing' || original.kind === 'changing') return undefined;
  if (optimised.kind !== original.kind) return `${optimised.kind} against ${original.kind}`;
  if (optimised.kind !== 'canvas' || original.kind !== 'canvas') return undefined;
  if (optimised.etag !== original.etag) return differenceOfBytes(optimised.bytes, original.bytes) ?? 'another ETag';
  const difference = differenceOfBytes(optimised.bytes, original.bytes);
  return difference ?? (optimised.modifiedMs === original.modifiedMs ? undefined : 'another modification time');
}

/**
 * How reads of canvases are compared. The version of a canvas is the state of its file as the system tells it, whatever the
 * reader says; undefined where a change right now could not be told.
 * @source product contract, Optimisations (`canvas_cache`); inode(7)
 */
export interface ReadChecks {
  versionOf(text: string): string | undefined;
  of(text: string): AnswerCheck<FileState>;
  /** Compressed bytes against the plain ones that they were made from. */
  readonly coded: AnswerCheck<CodedCanvas | Buffer>;
}

/**
 * @param root the vault, absolute
 * @source product contract, Optimisations (`verification.sample_rate`)
 */
export function readChecks(root: string, clock: Clock): ReadChecks {
  const versionOf = (text: string): string | undefined => {
    try {
      const stamp = lstatSync(path.join(root, text), { bigint: true, throwIfNoEntry: false });
      if (stamp === undefined) return 'missing';
      if (isRacy(stamp, clock.wall())) return undefined;
      return `${stamp.dev}:${stamp.ino}:${stamp.size}:${stamp.mtimeNs}:${stamp.ctimeNs}`;
    } catch {
      return undefined;
    }
  };
  return {
    versionOf,
    of: (text) => ({
      version: () => versionOf(text),
      difference: differenceOfStates,
      bytesOf: (state) => (state.kind === 'canvas' ? state.bytes.length : 0),
    }),
    coded: {
      isTimed: false,
      version: () => 'what was read',
      async difference(coded, plain) {
        if (Buffer.isBuffer(coded) || !Buffer.isBuffer(plain)) return undefined;
        try {
          return differenceOfBytes(await unpack[coded.coding](coded.bytes), plain);
        } catch {
          return `${coded.bytes.length} bytes that are no ${coded.coding}`;
        }
      },
    },
  };
}
