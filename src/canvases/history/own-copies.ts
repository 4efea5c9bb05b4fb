/**
 * A copy of the newest version of each canvas that the service wrote to its file: another program may write into that
 * very file, and then nobody else has those bytes. Copies are made when a canvas is quiet, deflated, and not made durable
 * by themselves: until the system has written them, a power cut may cost a copy, not the canvas. A copy that is not what
 * its name says counts for none. Bounded by number and bytes; the oldest go first.
 */
import { hash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { deflateRaw, deflateRawSync, inflateRaw } from 'node:zlib';
import { etagOf } from '../document/etag.js';
import { maxCanvasBytes } from '../errors.js';
import { isGone } from './files/version-folder.js';
import { temporaryName } from './files/whole-file.js';

/**
 * @source product contract, Promises 6
 */
export interface OwnCopiesOptions {
  folder: string;
  maxCopies?: number;
  /** On disk, deflated. */
  maxBytes?: number;
}

interface Copy {
  name: string;
  etag: string;
  bytes: number;
}

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);
const pattern = /^([0-9a-f]{32})-(.{1,200})$/;

const keyOf = (canvasPath: string) => hash('sha256', canvasPath, 'hex').slice(0, 32);

const fastest = { level: 1 };
/** What is no larger is deflated in less time than it takes to have another thread do it. */
const smallBytes = 16 * 1024;

/**
 * The copies in a folder.
 * @source product contract, Settled details ("What an outside program overwrites after an acknowledged write ...")
 */
export class OwnCopies {
  readonly #folder: string;
  readonly #maxCopies: number;
  readonly #maxBytes: number;
  /** The one that was made longest ago comes first. */
  readonly #copies = new Map<string, Copy>();
  #bytes = 0;

  constructor({ folder, maxCopies = 20_000, maxBytes = 256 * 1024 * 1024 }: OwnCopiesOptions) {
    this.#folder = folder;
    this.#maxCopies = maxCopies;
    this.#maxBytes = maxBytes;
  }

  /**
   * Looks what there is.
   * @throws the system's error
   */
  async open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const found: { key: string; copy: Copy; madeMs: number }[] = [];
    for (const name of await readdir(this.#folder)) {
      const [, key, etag] = pattern.exec(name) ?? [];
      const file = path.join(this.#folder, name);
      if (key === undefined || etag === undefined) await rm(file, { force: true, recursive: true });
      else {
        const { size, mtimeMs } = await stat(file);
        found.push({ key, copy: { name, etag: decodeURIComponent(etag), bytes: size }, madeMs: mtimeMs });
      }
    }
    found.sort((a, b) => a.madeMs - b.madeMs);
    for (const { key, copy } of found) {
      await this.#drop(key);
      this.#add(key, copy);
    }
  }

  etagOf(canvasPath: string): string | undefined {
    return this.#copies.get(keyOf(canvasPath))?.etag;
  }

  /**
   * Makes a copy in place of the one that there is of this canvas.
   * @throws the system's error
   */
  async save(canvasPath: string, bytes: Buffer, etag: string): Promise<void> {
    const key = keyOf(canvasPath);
    if (this.#copies.get(key)?.etag === etag) return;
    const name = `${key}-${encodeURIComponent(etag)}`;
    const temporary = path.join(this.#folder, temporaryName());
    const deflated = bytes.length > smallBytes ? await deflate(bytes, fastest) : deflateRawSync(bytes, fastest);
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(deflated);
      await rename(temporary, path.join(this.#folder, name));
    } catch (error) {
      await unlink(temporary).catch(() => {});
      throw error;
    } finally {
      await file.close();
    }
    if (this.#copies.get(key)?.etag === etag) return;
    await this.#drop(key);
    this.#add(key, { name, etag, bytes: deflated.length });
    for (const [oldest] of this.#copies) {
      if (this.#copies.size <= this.#maxCopies && this.#bytes <= this.#maxBytes) break;
      await this.#drop(oldest);
    }
  }

  /**
   * The bytes of a canvas's copy.
   * @returns undefined when there is none, or it is damaged
   * @source RFC 9110 section 8.8.3
   */
  async read(canvasPath: string): Promise<Buffer | undefined> {
    const copy = this.#copies.get(keyOf(canvasPath));
    if (!copy) return undefined;
    try {
      const deflated = await readFile(path.join(this.#folder, copy.name));
      const bytes = await inflate(deflated, { maxOutputLength: maxCanvasBytes });
      return etagOf(bytes) === copy.etag ? bytes : undefined;
    } catch {
      return undefined;
    }
  }

  /** @throws the system's error */
  remove(canvasPath: string): Promise<void> {
    return this.#drop(keyOf(canvasPath));
  }

  /** Lets go of all: they are another vault's. @throws the system's error */
  async clear(): Promise<void> {
    for (const key of [...this.#copies.keys()]) await this.#drop(key);
  }

  #add(key: string, copy: Copy): void {
    this.#copies.set(key, copy);
    this.#bytes += copy.bytes;
  }

  async #drop(key: string): Promise<void> {
    const copy = this.#copies.get(key);
    if (!copy) return;
    this.#copies.delete(key);
    this.#bytes -= copy.bytes;
    await unlink(path.join(this.#folder, copy.name)).catch((error: unknown) => {
      if (!isGone(error)) throw error;
    });
  }
}
