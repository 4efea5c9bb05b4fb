import { lstatSync } from 'node:fs';
import path from 'node:path';
import type { CanvasReader } from '../../reading/canvas-reader.baseline.js';
import type { FileStamp } from '../../vault/file-stamp.js';
import type { WrittenFiles } from './write-comparison.js';

/**
 * The files of a vault as the original reader finds them.
 * @param root the vault, absolute
 * @param known whether a file (without a stamp: a name without a file) is as this service left it
 * @source product contract, Optimisations (`batch_writer`, `verification.sample_rate`); inode(7)
 */
export function writtenFiles(
  root: string,
  reader: Pick<CanvasReader, 'read'>,
  known: { isOwn(text: string, stamp: FileStamp | undefined): boolean | 'writing' },
): WrittenFiles {
  return {
    read: async (vaultPath) => (await reader.read(vaultPath)).state,
    ownVersion({ text }) {
      try {
        const stamp = lstatSync(path.join(root, text), { bigint: true, throwIfNoEntry: false });
        if (known.isOwn(text, stamp) !== true) return undefined;
        return stamp ? `${stamp.dev}:${stamp.ino}:${stamp.size}:${stamp.mtimeNs}:${stamp.ctimeNs}` : 'missing';
      } catch {
        return undefined;
      }
    },
  };
}
