import { lstatSync } from 'node:fs';
import type { Logger } from '../../../logger.js';
import type { Clock } from '../../clock.js';
import { maxCanvasBytes } from '../../errors.js';
import type { Origin } from '../../history/canvas-version.js';
import { etagOfFile } from '../../history/files/held-file.js';
import type { HeldVersion, History, HistoryEvent } from '../../history/history.js';
import type { OwnCopies } from '../../history/own-copies.js';
import type { FileWork } from '../../writing/write-request.js';
import type { HoldFile } from '../atomic-file.js';
import type { VaultPath } from '../vault-path.js';
import type { KnownFiles } from './known-files.js';
import { LateEdits } from './late-edits.js';

/**
 * What goes on under another name: the very file (its inode), or its bytes alone.
 * @source product contract, Canvases (`POST /canvas/{path}/move`)
 */
export type Elsewhere = { readonly inode: bigint } | { readonly etag: string };

type Replacing = Pick<FileWork, 'knownEtags' | 'isUnseen' | 'replacedAtMs'>;

/**
 * What keeping versions needs. `bytesOf` gives the bytes of a version that was stored lately, as far as they are
 * remembered; `onConflict` hears of an edit of another program that came after the write was acknowledged which
 * replaces it.
 * @source product contract, Promises 3
 */
export interface ReplacedVersionsOptions {
  history: History;
  copies: OwnCopies;
  known: KnownFiles;
  bytesOf(text: string, etag: string): Buffer | undefined;
  onConflict(text: string, kept: string): void;
  clock: Pick<Clock, 'now' | 'after'>;
  logger: Logger;
  onEvent(event: HistoryEvent): void;
}

/**
 * Sees to it that a file which is replaced or removed is in the history before it loses its name, durably, with all
 * that another program writes into it until that moment.
 * @source product contract, Promises 3
 */
export class ReplacedVersions {
  readonly #options: ReplacedVersionsOptions;
  readonly #late: LateEdits;

  constructor(options: ReplacedVersionsOptions) {
    this.#options = options;
    const { history, clock, logger, onConflict } = options;
    this.#late = new LateEdits({
      history,
      clock,
      onFound: async ({ canvasPath, etag }, found) => {
        onConflict(canvasPath, found.etag);
        await this.#keepFromMemory(canvasPath, etag);
      },
      onFailed: ({ canvasPath }, error) =>
        logger.warn({ canvas: canvasPath, err: error }, 'a version is kept, but could not be looked at once more'),
    });
  }

  /** Looks whether another program has written into what a canvas lost lately. */
  lookForLateEdits(path: VaultPath): Promise<void> {
    return this.#late.look(path.text);
  }

  close(): Promise<void> {
    return this.#late.close();
  }

  /**
   * Keeps what another program has overwritten or taken away, as far as its bytes are remembered: the file has them
   * no more.
   */
  async keepOverwritten(path: VaultPath, address: string): Promise<void> {
    const stats = lstatSync(address, { bigint: true, throwIfNoEntry: false });
    const isKnown = this.#options.known.isKnown(path.text);
    const etag = isKnown
      ? this.#options.known.overwrittenEtag(path.text, stats)
      : this.#options.copies.etagOf(path.text);
    if (etag === undefined) return;
    if (stats?.isFile() && (await etagOfFile(address, maxCanvasBytes)) === etag) return;
    await this.#keepFromMemory(path.text, etag);
    this.#options.known.forget(path.text);
    if (this.#options.copies.etagOf(path.text) === etag) await this.#options.copies.remove(path.text);
  }

  async #keepFromMemory(text: string, etag: string): Promise<void> {
    const { bytesOf, copies, history, logger, onEvent } = this.#options;
    const bytes = bytesOf(text, etag) ?? (copies.etagOf(text) === etag ? await copies.read(text) : undefined);
    if (bytes === undefined) {
      if ((await history.list(text)).some((version) => version.etag === etag)) return;
      logger.warn(
        { canvas: text, etag },
        'another program wrote over a version of which nobody has the bytes any more',
      );
      onEvent({ type: 'version_missing' });
      return;
    }
    await history.keepBytes(text, bytes, { etag, origin: 'api', created: Date.now(), isUnseen: true });
    await history.sync(text);
  }

  /**
   * Runs `work`, which calls the function it is given right before the file at `address` loses its name, and again
   * when that is not the file whose inode it answers: another program has put a new one there meanwhile.
   * @param elsewhere what the history need not have; whatever else had the name is kept
   * @throws what `work` throws; nothing is in the history then that was not lost elsewhere
   */
  async keeping<T>(
    path: VaultPath,
    address: string,
    replacing: Replacing,
    work: (hold: HoldFile) => Promise<T>,
    elsewhere?: Elsewhere,
  ): Promise<T> {
    const held: HeldVersion[] = [];
    let isDone = false;
    try {
      const result = await work(async () => {
        const version = await this.#hold(path, address, replacing);
        if (!version) return undefined;
        held.push(version);
        await this.#options.history.sync(path.text);
        return version.inode;
      });
      isDone = true;
      return result;
    } finally {
      for (const version of held) {
        const isConflict = isLater(version, replacing.replacedAtMs);
        if (isDone) await this.#replacedBy(path, version, elsewhere, isConflict);
        else await this.#ending(path, () => this.#options.history.discard(version));
      }
    }
  }

  async #hold(path: VaultPath, file: string, replacing: Replacing): Promise<HeldVersion | undefined> {
    const { knownEtags = [], isUnseen = false, replacedAtMs } = replacing;
    const stats = lstatSync(file, { bigint: true, throwIfNoEntry: false });
    await this.keepOverwritten(path, file);
    if (!stats?.isFile()) return undefined;
    const created = Number(stats.mtimeNs / 1_000_000n);
    let etag = this.#options.known.ownEtag(path.text, stats);
    let origin: Origin = etag === undefined ? 'external' : 'api';
    const ours = [...knownEtags, this.#options.known.formerEtag(path.text), this.#options.copies.etagOf(path.text)];
    if (etag === undefined && ours.some((each) => each !== undefined)) {
      etag = await etagOfFile(file, maxCanvasBytes);
      if (ours.includes(etag)) origin = 'api';
    }
    const when = origin === 'api' && replacedAtMs !== undefined ? { replacedAtMs } : {};
    const label = { origin, created, isUnseen, ...when, ...(etag === undefined ? {} : { etag }) };
    const held = await this.#options.history.keepFile(path.text, file, label);
    // It was there a moment ago: another program has taken it away before it could be held.
    if (!held) await this.keepOverwritten(path, file);
    return held;
  }

  /** `held` has lost its name. */
  #replacedBy(
    path: VaultPath,
    held: HeldVersion,
    elsewhere: Elsewhere | undefined,
    isConflict: boolean,
  ): Promise<void> {
    return this.#ending(path, async () => {
      const { history, onConflict } = this.#options;
      if (elsewhere && 'inode' in elsewhere && elsewhere.inode === held.inode) return history.discard(held);
      const settled = await history.settle(held, elsewhere && 'etag' in elsewhere ? elsewhere.etag : undefined);
      if (!settled && elsewhere) return;
      if (isConflict || elsewhere) onConflict(path.text, settled?.etag ?? held.etag);
      // Another program wrote into the held file after it was looked at: what it held before is kept as well.
      if (settled && settled.etag !== held.etag) await this.#keepFromMemory(path.text, held.etag);
      if (settled) this.#late.held({ ...held, ...settled });
    });
  }

  /** The write itself has ended, well or not; what goes wrong here is put right at the next start. */
  async #ending(path: VaultPath, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.logger.warn(
        { canvas: path.text, err: error },
        'a version is kept, but its label could not be checked',
      );
    }
  }
}

/** Whether another program made this version after the write that replaced it was acknowledged. */
const isLater = ({ origin, created }: HeldVersion, acknowledgedMs: number | undefined) =>
  origin === 'external' && acknowledgedMs !== undefined && created > acknowledgedMs;
