import { LRUCache } from 'lru-cache';
import type { RowTexts } from './node-difference.js';
import type { NodeRows } from './node-rows.js';

/**
 * What the rows of canvases say, for those that changed last in memory, for all others from the table.
 * @source product contract, Settled details (`/canvas/search`); Promises 6
 */
export interface KnownRows {
  /** As far as it is in memory. */
  find(path: string): RowTexts['hashes'] | undefined;
  /** @throws what the database throws */
  of(paths: readonly string[]): Promise<Map<string, RowTexts>>;
  set(path: string, hashes: RowTexts['hashes']): void;
  forget(path: string): void;
}

/** An id and a hash take some 150 bytes. */
const maxNodes = 50_000;

/** Right as long as nobody else writes rows and each failed commit is followed by `forget`. @source product contract, Promises 6 */
export function createKnownRows(rows: Pick<NodeRows, 'textsOf'>): KnownRows {
  const hashesOf = new LRUCache<string, RowTexts['hashes']>({
    maxSize: maxNodes,
    sizeCalculation: ({ size }) => size + 1,
  });
  return {
    find: (path) => hashesOf.get(path),
    async of(paths) {
      const found = await rows.textsOf(paths.filter((path) => !hashesOf.has(path)));
      for (const path of paths) {
        const hashes = hashesOf.get(path);
        if (hashes && !found.has(path)) found.set(path, { hashes, isTorn: false });
      }
      return found;
    },
    set: (path, hashes) => void hashesOf.set(path, hashes),
    forget: (path) => void hashesOf.delete(path),
  };
}
