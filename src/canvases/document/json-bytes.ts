import { LRUCache } from 'lru-cache';
import type { JsonBytes } from './json-bytes.baseline.js';
import { isStoredJson } from './json-text.js';

/**
 * Bytes in, bytes out: a text is parsed once to know that it is JSON, and then known by its ETag; what is sent is
 * what is stored. Keeps up to `maxKnown` ETags, no texts.
 * @source story-17.4 AC1 (orjson); product contract, `fast_json`
 */
export class KnownJson implements JsonBytes {
  readonly #known: LRUCache<string, true>;

  constructor(maxKnown = 20_000) {
    this.#known = new LRUCache({ max: maxKnown });
  }

  isJson(bytes: Buffer, etag: string): boolean {
    if (this.#known.get(etag)) return true;
    if (!isStoredJson(bytes)) return false;
    this.#known.set(etag, true);
    return true;
  }

  /** Remembers bytes that were parsed already, when a client sent them. */
  accept(bytes: Buffer, etag: string): Buffer {
    this.#known.set(etag, true);
    return bytes;
  }

  /** What an edit touched was checked, and nothing else has changed. */
  acceptEdit(bytes: Buffer, etag: string): Buffer {
    return this.accept(bytes, etag);
  }

  encode(bytes: Buffer): Buffer {
    return bytes;
  }
}
