import { LRUCache } from 'lru-cache';
import type { CurrentCanvas } from './preconditions.js';

const maxRecentBytes = 32 * 1024 * 1024;
const overheadBytes = 256;

/**
 * The bytes of versions that were acknowledged lately, for merging: in a burst, most of them never reach a file, and so
 * not the history either. Bounded by bytes; what is not found here may be there.
 * @source product contract, Canvases; Promises 6
 */
export class RecentVersions {
  readonly #versions = new LRUCache<string, Buffer>({
    maxSize: maxRecentBytes,
    sizeCalculation: (bytes) => bytes.length + overheadBytes,
  });

  take(path: string, canvas: CurrentCanvas): void {
    if (canvas.kind === 'canvas') this.#versions.set(keyOf(path, canvas.etag), canvas.bytes);
  }

  /** A canvas has another path; what it is can be asked for there too. */
  moved(from: string, to: string, etag: string): void {
    const bytes = this.bytesOf(from, etag);
    if (bytes) this.#versions.set(keyOf(to, etag), bytes);
  }

  bytesOf(path: string, etag: string): Buffer | undefined {
    return this.#versions.get(keyOf(path, etag));
  }
}

/** No path holds a NUL. */
const keyOf = (path: string, etag: string) => `${path}\0${etag}`;
