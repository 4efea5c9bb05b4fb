import { LRUCache } from 'lru-cache';
import type { Logger } from '../../logger.js';
import type { Clock } from '../clock.js';
import type { FileState } from '../reading/stored-canvas.js';
import { findVaultPath, type VaultPath } from '../vault/vault-path.js';
import type { CurrentCanvas } from '../writing/preconditions.js';
import type { ChangeLog } from './change-log.js';
import type { VaultChange } from './known-canvases.js';

/**
 * What publishing needs. `ahead` gives the ETag of the acknowledged bytes that are still on their way to the file of a
 * canvas (null when it was deleted), undefined when the file has them: what another program writes there meanwhile never
 * becomes the canvas.
 * @source product contract, Canvases (events)
 */
export interface PublishedChangesOptions {
  log: ChangeLog;
  read(path: VaultPath): Promise<FileState>;
  ahead(text: string): string | null | undefined;
  clock: Pick<Clock, 'after'>;
  logger: Logger;
}

/** A file that is no JSON may be half-written; after this time without a change it is told as it is. */
const stillMs = 1100;
/** How many such files are looked at again. */
const maxWaiting = 1000;

/** How many canvases are remembered; an untouched copy over another one may be told as a change. */
const rememberedCanvases = 50_000;

const etagOfState = (state: FileState | CurrentCanvas): string | null =>
  state.kind === 'canvas' ? state.etag : state.kind === 'invalid' ? state.etag : null;

/**
 * Puts each change of a canvas into the log once: those of our own writes as they are acknowledged, and those of other
 * programs when the watch has seen them and the bytes are indeed others.
 * @source product contract, Settled details (SSE)
 */
export class PublishedChanges {
  readonly #options: PublishedChangesOptions;
  /** The version that followers know of, null for none, and the edit of another program that they know is kept. */
  readonly #etags = new LRUCache<string, { etag: string | null; kept?: string }>({ max: rememberedCanvases });

  /** Files that were being changed when they were looked at, and what cancels the next look. */
  readonly #waiting = new Map<string, () => void>();

  constructor(options: PublishedChangesOptions) {
    this.#options = options;
  }

  stored(path: string, before: CurrentCanvas, after: CurrentCanvas): void {
    const etag = etagOfState(after);
    const kind = etag === null ? 'deleted' : before.kind === 'missing' ? 'created' : 'changed';
    this.#publish({ path, etag, kind, origin: 'api' });
  }

  moved(from: string, to: string, etag: string): void {
    this.#etags.set(from, { etag: null });
    this.#etags.set(to, { etag });
    this.#options.log.publish({ path: to, from, etag, kind: 'moved', origin: 'api' });
  }

  /** Looks at nothing any more. */
  close(): void {
    for (const cancel of this.#waiting.values()) cancel();
  }

  /** @throws Problem VAULT_UNAVAILABLE */
  async external(change: VaultChange): Promise<void> {
    const { path: text, kind } = change;
    const path = findVaultPath(text);
    if (!path) return;
    const before = this.#etags.get(text);
    const state = await this.#options.read(path);
    if (state.kind === 'changing') this.#lookAgain(change);
    if (state.kind === 'changing') return;
    const etag = etagOfState(state);
    if (this.#options.ahead(text) !== undefined) {
      if (etag !== null) this.conflict(text, etag);
      return;
    }
    if (this.#etags.get(text) !== before) return;
    if (before?.etag === etag) return;
    const isNew = before ? before.etag === null : kind === 'created';
    const seen = isNew ? 'created' : 'changed';
    this.#publish({ path: text, etag, kind: etag === null ? 'deleted' : seen, origin: 'external' });
  }

  /** An edit of another program, `kept`, lost against an acknowledged write and is in the history, or will be. */
  conflict(text: string, kept: string): void {
    const known = this.#etags.get(text);
    const etag = this.#options.ahead(text) ?? known?.etag ?? null;
    if (kept === etag || kept === known?.kept) return;
    this.#publish({ path: text, etag, kind: 'changed', origin: 'external', kept });
  }

  #lookAgain(change: VaultChange): void {
    if (this.#waiting.has(change.path) || this.#waiting.size >= maxWaiting) return;
    const cancel = this.#options.clock.after(stillMs, () => {
      this.#waiting.delete(change.path);
      this.external(change).catch((error: unknown) =>
        this.#options.logger.warn({ err: error }, 'an outside edit could not be looked at'),
      );
    });
    this.#waiting.set(change.path, cancel);
  }

  #publish(change: Parameters<ChangeLog['publish']>[0]): void {
    const { path, etag, kept } = change;
    this.#etags.set(path, kept === undefined ? { etag } : { etag, kept });
    this.#options.log.publish(change);
  }
}
