/**
 * The files of the vault, as the writers see them: durable when a promise is kept, known to the reader's cache at once,
 * and what they replace kept in the history. Does not order the writers of one canvas.
 */
import { accessSync, constants, lstatSync } from 'node:fs';
import type { Logger } from '../../logger.js';
import type { Clock } from '../clock.js';
import { canvasBusy, canvasNotFound, leadsNowhere, writeFailure } from '../errors.js';
import type { CanvasEvent } from '../events.js';
import type { History } from '../history/history.js';
import type { OwnCopies } from '../history/own-copies.js';
import type { CanvasReader } from '../reading/canvas-reader.baseline.js';
import { type FileState, storedCanvas } from '../reading/stored-canvas.js';
import type { MovingFiles } from '../writing/canvas-move.js';
import type { CurrentCanvas } from '../writing/preconditions.js';
import type { CanvasContent, FileWork } from '../writing/write-request.js';
import { type HoldFile, removeFile, replaceFile, syncFile } from './atomic-file.js';
import { NameClaims } from './name-claims.js';
import { KnownFiles } from './ownership/known-files.js';
import { ReplacedVersions } from './ownership/replaced-versions.js';
import { type FileName, isUntouched, type PlacedFile, placeFile, stampAt } from './placed-file.js';
import { FolderMaker, openFolder } from './vault-folder.js';
import type { VaultPath } from './vault-path.js';

/**
 * What the files need: the vault (absolute, without links), the reader whose cache they feed, and the history.
 * @source product contract, Promises 1 and 3
 */
export interface VaultFilesOptions {
  root: string;
  reader: CanvasReader;
  history: History;
  /** Of what the service wrote, so that it is not lost when another program writes over it. */
  copies: OwnCopies;
  /** The bytes of a version that was stored lately, as far as they are remembered. */
  bytesOf(text: string, etag: string): Buffer | undefined;
  /** The file of a canvas holds a version of ours. */
  onWritten(text: string): void;
  /** Another program's edit was in the way of an acknowledged write; the history has it. */
  onConflict(text: string, kept: string): void;
  clock: Pick<Clock, 'now' | 'after'>;
  logger: Logger;
  onEvent(event: CanvasEvent): void;
  /** The file system takes names that differ in case for one: a canvas is then known by the name its file has. */
  foldsNames: boolean;
}

/**
 * The vault's files.
 * @source product contract, Promises 1 to 3
 */
export class VaultFiles implements MovingFiles {
  readonly known = new KnownFiles();
  readonly #options: VaultFilesOptions;
  readonly #folders: FolderMaker;
  readonly #claims: NameClaims;
  readonly #replaced: ReplacedVersions;

  constructor(options: VaultFilesOptions) {
    this.#options = options;
    this.#folders = new FolderMaker(options.root);
    this.#claims = new NameClaims(options.root);
    this.#replaced = new ReplacedVersions({ ...options, known: this.known });
  }

  current(path: VaultPath): CurrentCanvas | Promise<CurrentCanvas> {
    const { reader } = this.#options;
    const hit = reader.hit(path.text);
    if (hit) return this.#asCurrent(path, hit);
    return reader.read(path).then(({ state }) => this.#asCurrent(path, state));
  }

  /** Puts into the history what another program has overwritten, as far as its bytes are remembered. */
  async keepOverwritten(path: VaultPath): Promise<void> {
    // Whoever writes keeps it too, right before the file loses its name.
    if (this.known.isBeingWritten(path.text)) return;
    try {
      await this.#replaced.lookForLateEdits(path);
      const folder = openFolder(this.#options.root, path.folders);
      try {
        await this.#replaced.keepOverwritten(path, folder.at(path.name));
      } finally {
        folder.close();
      }
    } catch (error) {
      if (!leadsNowhere(error)) throw writeFailure(error);
    }
  }

  /** Ends looking after what was replaced. */
  close(): Promise<void> {
    return this.#replaced.close();
  }

  claimName(path: VaultPath): () => void {
    try {
      return this.#claims.claim(path);
    } catch (error) {
      throw writeFailure(error);
    }
  }

  renaming(from: VaultPath, to: VaultPath): () => void {
    return this.#claims.renaming(from, to);
  }

  checkWritable(path: VaultPath): void {
    try {
      this.#checkName(path);
      const folder = openFolder(this.#options.root, path.folders);
      try {
        accessSync(folder.at('.'), constants.W_OK | constants.X_OK);
        accessSync(folder.at(path.name), constants.W_OK);
      } finally {
        folder.close();
      }
    } catch (error) {
      if (!leadsNowhere(error)) throw writeFailure(error);
    }
  }

  /** Where names fold, another spelling of a name finds its file: written to, it would be two canvases in one file. */
  #checkName(path: VaultPath, isAcknowledged = false): void {
    if (this.#options.foldsNames && !isAcknowledged) this.#claims.check(path);
  }

  replace(path: VaultPath, content: CanvasContent, work: FileWork): Promise<void> {
    return this.#measured('replace', path, content.bytes.length, work, async () => {
      this.#checkName(path, work.isAcknowledged);
      const release = work.isNew && !work.isAcknowledged ? this.#claims.claim(path) : undefined;
      try {
        await this.#replace(path, content, work).catch((error) => {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
          return this.#replace(path, content, work);
        });
      } finally {
        release?.();
      }
    });
  }

  remove(path: VaultPath, work: FileWork): Promise<void> {
    return this.#measured('remove', path, 0, work, async () => {
      this.#checkName(path, work.isAcknowledged);
      const folder = openFolder(this.#options.root, path.folders);
      try {
        const elsewhere = work.movedEtag === undefined ? undefined : { etag: work.movedEtag };
        const remove = (hold: HoldFile) => removeFile(folder, path.name, hold);
        await this.#replaced.keeping(path, folder.at(path.name), work, remove, elsewhere);
        this.known.removed(path.text);
        await this.#options.copies.remove(path.text);
      } finally {
        folder.close();
      }
    });
  }

  settle(path: VaultPath, work: FileWork): Promise<void> {
    return this.#measured('sync', path, 0, work, async () => {
      const folder = await this.#folders.make(path.folders);
      try {
        // From here on it is not known any more that there was anything of ours.
        await this.#replaced.keepOverwritten(path, folder.at(path.name));
        this.known.stored(path.text, await syncFile(folder, path.name), undefined);
      } finally {
        folder.close();
      }
    });
  }

  async move(from: VaultPath, to: VaultPath): Promise<void> {
    const release = this.claimName(to);
    try {
      this.#checkName(from);
      await this.known.whileWriting([from.text, to.text], () => this.#move(from, to));
    } catch (error) {
      throw writeFailure(error);
    } finally {
      release();
      this.#options.reader.forget(from);
      this.#options.reader.forget(to);
    }
  }

  async #move(from: VaultPath, to: VaultPath): Promise<void> {
    const source = { folder: openFolder(this.#options.root, from.folders), name: from.name };
    let target: FileName | undefined;
    try {
      const before = lstatSync(source.folder.at(from.name), { bigint: true });
      if (!before.isFile()) throw canvasNotFound();
      const ownEtag = this.known.ownEtag(from.text, before);
      target = { folder: await this.#folders.make(to.folders), name: to.name };
      const placed = await placeFile(source, target, before, () => this.#readForCopy(from, ownEtag));
      await this.#removePlaced(from, source, target, placed);
      this.known.removed(from.text);
      if (ownEtag !== undefined) {
        // Where another program has written into it since, this is a state that the file does not have any more.
        const after = stampAt(target);
        this.known.stored(to.text, after && isUntouched(placed.stamp, after) ? after : before, ownEtag);
        this.#options.onWritten(to.text);
      }
      await this.#options.copies.remove(from.text);
      await this.#takeHistoryAlong(from, to);
    } finally {
      source.folder.close();
      target?.folder.close();
    }
  }

  /** The canvas has moved by now, whatever becomes of this; versions that cannot follow are read under the old name. */
  async #takeHistoryAlong(from: VaultPath, to: VaultPath): Promise<void> {
    const { history, logger } = this.#options;
    try {
      await history.move(from.text, to.text);
      await history.sync(to.text);
    } catch (error) {
      logger.error({ err: error, from: from.text, to: to.text }, 'a canvas has moved without its history');
    }
  }

  async #readForCopy(from: VaultPath, ownEtag: string | undefined) {
    const { state } = await this.#options.reader.read(from);
    if (state.kind !== 'canvas') throw canvasBusy();
    return { bytes: state.bytes, etag: state.etag, isAsBefore: state.etag === ownEtag };
  }

  /** Takes the old name away. Where that fails the new one goes again, unless another program is at either of them. */
  async #removePlaced(from: VaultPath, source: FileName, target: FileName, placed: PlacedFile): Promise<void> {
    try {
      const remove = (hold: HoldFile) => removeFile(source.folder, source.name, hold);
      await this.#replaced.keeping(from, source.folder.at(source.name), {}, remove, placed.elsewhere);
    } catch (error) {
      const isStillThere = stampAt(source)?.ino === placed.fromInode;
      if (isStillThere) await removeFile(target.folder, target.name, async () => placed.toInode);
      throw error;
    }
  }

  /** Fails with ENOENT when another program takes the folder away meanwhile; the next try makes it again. */
  async #replace(path: VaultPath, { bytes, etag }: CanvasContent, work: FileWork): Promise<void> {
    const folder = await this.#folders.make(path.folders);
    try {
      const stamp = await this.#replaced.keeping(path, folder.at(path.name), work, (hold) =>
        replaceFile(folder, path.name, bytes, hold),
      );
      if (stamp === undefined) return;
      this.known.stored(path.text, stamp, etag);
      this.#options.onWritten(path.text);
      this.#options.reader.remember(path, { ...storedCanvas(bytes, etag, stamp, Date.now()), racy: true });
    } finally {
      folder.close();
    }
  }

  #asCurrent(path: VaultPath, state: FileState): CurrentCanvas {
    switch (state.kind) {
      case 'missing':
        return state;
      case 'changing':
        throw canvasBusy();
      case 'canvas': {
        const { bytes, etag, modifiedMs } = state;
        return { kind: 'canvas', bytes, etag, modifiedMs, isDurable: this.known.isDurable(path.text, state.stamp) };
      }
      case 'invalid':
        return { kind: 'unreadable', etag: state.etag, modifiedMs: state.modifiedMs };
      case 'too_large':
        return { kind: 'unreadable', etag: undefined, modifiedMs: state.modifiedMs };
    }
  }

  /** Runs one file operation, drops what the reader knew where that is over, and reports how it went. */
  async #measured(
    operation: 'replace' | 'remove' | 'sync',
    path: VaultPath,
    bytes: number,
    { variant, requests }: FileWork,
    work: () => Promise<void>,
  ): Promise<void> {
    const started = performance.now();
    let outcome: 'stored' | 'failed' = 'failed';
    try {
      await this.known.whileWriting([path.text], work);
      outcome = 'stored';
    } catch (error) {
      throw writeFailure(error);
    } finally {
      if (operation === 'remove' || outcome === 'failed') this.#options.reader.forget(path);
      const durationSeconds = (performance.now() - started) / 1000;
      this.#options.onEvent({ type: 'file_write', operation, outcome, variant, requests, bytes, durationSeconds });
    }
  }
}
