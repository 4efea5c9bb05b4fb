import { lstatSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import { leadsNowhere, readFailure } from '../errors.js';
import { type FileStamp, sameStamp } from '../vault/file-stamp.js';
import { openFolder } from '../vault/vault-folder.js';
import type { VaultPath } from '../vault/vault-path.js';
import { type WalkRange, walkCanvases } from '../vault/vault-walk.js';
import { readStable, type StableReadOptions } from './stable-read.js';

/**
 * One canvas of a list. `modified` is an ISO 8601 date; `etag` is null for a file that is too large to be read or is
 * being changed at this moment.
 * @source product contract, Settled details (`GET /canvas`)
 */
export interface CanvasListItem {
  path: string;
  bytes: number;
  modified: string;
  etag: string | null;
}

/**
 * A page of the list; `lastPath` is undefined on the last page, else where the next one goes on.
 * @source product contract, Settled details (`GET /canvas`)
 */
export interface CanvasListPage {
  items: CanvasListItem[];
  lastPath: string | undefined;
}

/** How many ETags are kept, so that a list does not read every file each time. */
const rememberedEtags = 20_000;

/**
 * Lists the canvases of the vault by path. The ETags of unchanged files are remembered, not their bytes, so a long
 * list does not push out what the cache holds.
 * @source product contract, Settled details (`GET /canvas`)
 */
export class CanvasList {
  readonly #options: StableReadOptions;
  readonly #etags = new LRUCache<string, { stamp: FileStamp; etag: string }>({ max: rememberedEtags });

  constructor(options: StableReadOptions) {
    this.#options = options;
  }

  /**
   * The next canvases of the range, `limit` at most.
   * @throws Problem VAULT_UNAVAILABLE
   */
  async page(range: WalkRange, limit: number): Promise<CanvasListPage> {
    const items: CanvasListItem[] = [];
    try {
      for await (const path of walkCanvases(this.#options.root, range)) {
        if (items.length === limit) return { items, lastPath: items.at(-1)?.path };
        const item = await this.#item(path);
        if (item) items.push(item);
      }
    } catch (error) {
      throw readFailure(error);
    }
    return { items, lastPath: undefined };
  }

  async #item(path: VaultPath): Promise<CanvasListItem | undefined> {
    const stamp = this.#stampOf(path);
    if (stamp === undefined) return undefined;
    const known = this.#etags.get(path.text);
    if (known && sameStamp(known.stamp, stamp)) return listItem(path, stamp, known.etag);
    const state = await readStable(this.#options, path, undefined, 'none');
    if (state.kind === 'missing') return undefined;
    if (state.kind === 'canvas') {
      if (!state.racy) this.#etags.set(path.text, { stamp: state.stamp, etag: state.etag });
      return listItem(path, state.stamp, state.etag);
    }
    return listItem(path, stamp, state.kind === 'invalid' ? state.etag : null);
  }

  #stampOf(path: VaultPath): FileStamp | undefined {
    try {
      const folder = openFolder(this.#options.root, path.folders);
      try {
        const stats = lstatSync(folder.at(path.name), { bigint: true, throwIfNoEntry: false });
        return stats?.isFile() ? stats : undefined;
      } finally {
        folder.close();
      }
    } catch (error) {
      if (leadsNowhere(error)) return undefined;
      throw error;
    }
  }
}

function listItem(path: VaultPath, stamp: FileStamp, etag: string | null): CanvasListItem {
  const modified = new Date(Number(stamp.mtimeNs / 1_000_000n)).toISOString();
  return { path: path.text, bytes: Number(stamp.size), modified, etag };
}
