/**
 * Keeps the bytes of canvases in memory and looks at the file's state on every read, so an answer is never older than
 * the question, whoever changed the file. What is kept is bounded by number and by bytes; it may be dropped any time.
 */
import { lstatSync } from 'node:fs';
import path from 'node:path';
import { LRUCache } from 'lru-cache';
import { Limit } from '../limit.js';
import { sameStamp } from '../vault/file-stamp.js';
import type { VaultPath } from '../vault/vault-path.js';
import type { CanvasReader, ReadAnswer } from './canvas-reader.baseline.js';
import type { CanvasEncoder } from './coding/canvas-encoder.js';
import type { AcceptedCodings } from './coding/content-coding.js';
import { type CodedCanvas, Variants } from './coding/variants.js';
import { SharedReads } from './shared-reads.js';
import { readStable, type StableReadOptions } from './stable-read.js';
import type { StoredCanvas } from './stored-canvas.js';

/**
 * How much is kept, as in `config/optimization.yaml`; read on each use.
 * @source story-17.4 ADR-0007 (canvas_files: 200 entries, 3,600 s)
 */
export interface CanvasCacheSettings {
  max_files: number;
  max_bytes: number;
  ttl_seconds: number;
}

/**
 * What the cache holds, and how often it had the canvas since the start. `evictions`: canvases that had to go for others;
 * `expirations`: those that were asked for and had grown too old.
 * @source product contract, Trajectories (`GET /admin/cache`)
 */
export interface CanvasCacheStatistics {
  entries: number;
  bytes: number;
  max_bytes: number;
  hits: number;
  misses: number;
  evictions: number;
  expirations: number;
}

interface Entry {
  canvas: StoredCanvas;
  address: string;
  folderAddresses: string[];
  variants: Variants;
}

/** The size of an entry beside its bytes: strings, stamp, bookkeeping. */
const entryOverheadBytes = 1024;
const parallelReads = 16;

const sizeOf = ({ canvas, variants }: Entry) => canvas.bytes.length + variants.bytes + entryOverheadBytes;
const isFolder = (address: string) => lstatSync(address, { throwIfNoEntry: false })?.isDirectory() === true;

/**
 * The cached reader.
 * @source story-17.4 AC1 (LRU of canvas files); product contract, `canvas_cache`
 */
export class CachedReader implements CanvasReader {
  readonly #options: StableReadOptions;
  readonly #settings: () => CanvasCacheSettings;
  readonly #encoder: CanvasEncoder;
  readonly #reads = new SharedReads<ReadAnswer>();
  readonly #limit = new Limit(parallelReads);
  #entries: LRUCache<string, Entry>;
  #hits = 0;
  #misses = 0;
  #evictions = 0;
  #expirations = 0;
  #isPurging = false;

  constructor(options: StableReadOptions, settings: () => CanvasCacheSettings, encoder: CanvasEncoder) {
    this.#options = options;
    this.#encoder = encoder;
    this.#settings = settings;
    this.#entries = this.#makeCache();
  }

  hit(text: string): StoredCanvas | undefined {
    const entry = this.#cache().get(text);
    if (!entry || entry.canvas.racy || !this.#isCurrent(entry)) return undefined;
    this.#hits += 1;
    return entry.canvas;
  }

  read(target: VaultPath): Promise<ReadAnswer> {
    return this.#reads.run(target.text, () => this.#limit.run(() => this.#read(target)));
  }

  coded(text: string, { etag }: { readonly etag: string }, accepted: AcceptedCodings): CodedCanvas | undefined {
    const [favourite] = accepted;
    if (favourite === undefined) return undefined;
    const entry = this.#entries.peek(text);
    if (entry?.canvas.etag !== etag) return undefined;
    const best = entry.variants.best(accepted);
    if (best?.coding !== favourite) {
      entry.variants.want(entry.canvas, favourite, this.#encoder, () => this.#keepVariants(text, entry.variants));
    }
    return best;
  }

  remember(target: VaultPath, canvas: StoredCanvas): void {
    const known = this.#entries.peek(target.text);
    const folderAddresses = target.folders.map((_name, depth) =>
      path.join(this.#options.root, ...target.folders.slice(0, depth + 1)),
    );
    this.#cache().set(target.text, {
      canvas,
      address: path.join(this.#options.root, target.text),
      folderAddresses,
      variants: known?.canvas.etag === canvas.etag ? known.variants : new Variants(),
    });
  }

  /** Makes room for a variant that was just made; false when its canvas is not the one that is kept any more. */
  #keepVariants(text: string, variants: Variants): boolean {
    const cache = this.#cache();
    const entry = cache.peek(text);
    if (entry?.variants !== variants || sizeOf(entry) > cache.maxSize) return false;
    cache.set(text, { ...entry });
    return true;
  }

  forget(target: VaultPath): void {
    this.#entries.delete(target.text);
  }

  /** What is kept, and how often it was the answer since the start. */
  statistics(): CanvasCacheStatistics {
    const entries = this.#cache();
    this.#isPurging = true;
    entries.purgeStale();
    this.#isPurging = false;
    return {
      entries: entries.size,
      bytes: entries.calculatedSize,
      max_bytes: entries.maxSize,
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
      expirations: this.#expirations,
    };
  }

  /** Gives the memory back, when the cache is switched off. */
  clear(): void {
    if (this.#entries.size > 0) this.#entries.clear();
  }

  async #read(target: VaultPath): Promise<ReadAnswer> {
    const sharedHit = this.hit(target.text);
    if (sharedHit) return { state: sharedHit, cache: 'hit' };
    const known = this.#entries.peek(target.text)?.canvas;
    const state = await readStable(this.#options, target, known);
    if (state.kind !== 'canvas') {
      this.#misses += 1;
      this.forget(target);
      return { state, cache: 'miss' };
    }
    this.remember(target, state);
    const cache = known !== undefined && state.bytes === known.bytes ? 'hit' : 'miss';
    if (cache === 'hit') this.#hits += 1;
    else this.#misses += 1;
    return { state, cache };
  }

  #isCurrent(entry: Entry): boolean {
    try {
      const stats = lstatSync(entry.address, { bigint: true, throwIfNoEntry: false });
      return stats !== undefined && sameStamp(stats, entry.canvas.stamp) && entry.folderAddresses.every(isFolder);
    } catch {
      return false;
    }
  }

  /** The cache at the size that the settings ask for now. */
  #cache(): LRUCache<string, Entry> {
    const { max_files, max_bytes, ttl_seconds } = this.#settings();
    const cache = this.#entries;
    if (cache.max === max_files && cache.maxSize === max_bytes && cache.ttl === ttl_seconds * 1000) return cache;
    this.#entries = this.#makeCache();
    this.#entries.load(cache.dump());
    return this.#entries;
  }

  #makeCache(): LRUCache<string, Entry> {
    const { max_files, max_bytes, ttl_seconds } = this.#settings();
    return new LRUCache({
      max: max_files,
      maxSize: max_bytes,
      ttl: ttl_seconds * 1000,
      ttlResolution: 0,
      perf: this.#options.clock,
      sizeCalculation: sizeOf,
      dispose: (_entry, _text, reason) => {
        if (reason === 'evict') this.#evictions += 1;
        else if (reason === 'expire' && !this.#isPurging) this.#expirations += 1;
      },
    });
  }
}
