/**
 * What the writes to a canvas replaced, kept as files until they are too many or too old. A version is whole or absent
 * after any crash; it is durable once `sync` has resolved. It writes no canvas and knows no vault: callers say which
 * file is about to be replaced, and take turns for one canvas.
 *
 *   keepFile(a)      the file gets a second name in the history; both names are one file
 *   sync(a)          it would survive a power cut from here on
 *   rename over a    the first name goes; the history alone has the file
 *   settle           its bytes are hashed once more: a program may have written into it until the rename
 */
import { fstatSync, lstatSync } from 'node:fs';
import { type FileHandle, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { type Clock, systemClock } from '../clock.js';
import { etagOf } from '../document/etag.js';
import { maxCanvasBytes } from '../errors.js';
import type { CanvasVersion } from './canvas-version.js';
import { etagOfFile, holdFile, isRegularFile, syncBytes, systemLink } from './files/held-file.js';
import { sweepHistory } from './files/history-sweep.js';
import { readVersion, settleVersion } from './files/settling.js';
import {
  folderNameOf,
  giveVersions,
  lengthOf,
  makeVersionFolder,
  readVersions,
  removeVersion,
  removeVersions,
  type StoredVersion,
} from './files/version-folder.js';
import { formatVersionName, nextVersionId, type VersionName } from './files/version-name.js';
import { type PackedVersion, writePack } from './files/version-pack.js';
import { syncFolder, writeWhole } from './files/whole-file.js';
import type { HeldVersion, History, HistoryOptions, VersionLabel } from './history.js';
import { KeyedOrder } from './keyed-order.js';
import { retained } from './retention.js';

const dayMs = 24 * 60 * 60 * 1000;

/**
 * Opens the history of all canvases.
 * @throws RangeError for a bound below one version; the system's error when the folder cannot be used
 * @source product contract, Canvases (`versions`)
 */
export async function openHistory(options: HistoryOptions): Promise<History> {
  const { maxVersions = 50, maxAgeMs = 30 * dayMs } = options;
  if (!(maxVersions >= 1)) throw new RangeError(`expected maxVersions of at least 1, got ${maxVersions}`);
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  const history = new FileHistory({ ...options, maxVersions, maxAgeMs });
  await history.sweep();
  return history;
}

type NewVersion = VersionLabel & { etag: string; settled: boolean };
type FilledOptions = HistoryOptions & { maxVersions: number; maxAgeMs: number };

class FileHistory implements History {
  readonly #options: FilledOptions;
  readonly #clock: Pick<Clock, 'now' | 'wall'>;
  readonly #order = new KeyedOrder();
  /** Versions between `keepFile` and `settle`, with the canvas's own file where the version is a copy. */
  readonly #held = new Map<string, FileHandle | undefined>();
  readonly #unsyncedFolders = new Set<string>();
  #hasWarned = false;

  constructor(options: FilledOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  keepFile(canvasPath: string, file: string, label: VersionLabel): Promise<HeldVersion | undefined> {
    return this.#inTurn(canvasPath, async (folder, folderName) => {
      const started = this.#clock.now();
      if (!isRegularFile(file)) return undefined;
      await this.#make(folder, canvasPath);
      const versions = await readVersions(folder);
      const etag = label.etag ?? (await etagOfFile(file, maxCanvasBytes));
      const name = this.#nameNext(versions, { ...label, etag, settled: false });
      const link = this.#options.link ?? systemLink;
      const held = await holdFile(link, file, folder, formatVersionName(name), maxCanvasBytes);
      if (!held) return undefined;
      if (label.origin === 'external' && !held.original) await syncBytes(path.join(folder, formatVersionName(name)));
      this.#held.set(`${folderName}/${name.id}`, held.original);
      this.#reportKept(held.original ? 'copy' : 'link', held.bytes, started);
      return { canvasPath, inode: held.inode, ...publicOf(name, held.bytes) };
    });
  }

  settle(held: HeldVersion, elsewhereEtag?: string): Promise<CanvasVersion | undefined> {
    return this.#inTurn(held.canvasPath, async (folder, folderName) => {
      const original = this.#release(folderName, held.id);
      try {
        const versions = await readVersions(folder);
        const index = versions.findIndex((version) => version.id === held.id);
        const version = versions[index];
        if (!version) return undefined;
        const settled = await settleVersion(folder, version, versions[index - 1], original, maxCanvasBytes);
        const bytes = lengthOf(settled.version) ?? 0;
        if (settled.wasEdited) this.#options.onEvent({ type: 'outside_edit_kept', bytes });
        if (settled.version.id === held.id && settled.version.etag === elsewhereEtag) {
          await removeVersion(settled.version);
          return undefined;
        }
        const others = versions.filter(({ id }) => id !== version.id && id !== settled.version.id);
        await this.#prune(
          folder,
          folderName,
          [...others, settled.version].sort((a, b) => (a.id < b.id ? -1 : 1)),
        );
        return publicOf(settled.version, bytes);
      } finally {
        await original?.close();
      }
    });
  }

  async discard(held: HeldVersion): Promise<void> {
    const isOnlyCopy = await this.#inTurn(held.canvasPath, async (folder, folderName) => {
      const version = (await readVersions(folder)).find(({ id }) => id === held.id);
      if (!version) return false;
      const original = this.#held.get(`${folderName}/${held.id}`);
      const isOnlyName = original ? fstatSync(original.fd).nlink === 0 : lstatSync(version.file).nlink === 1;
      if (isOnlyName) return true;
      await this.#release(folderName, held.id)?.close();
      await removeVersion(version);
      return false;
    });
    if (isOnlyCopy) await this.settle(held);
  }

  keepBytes(canvasPath: string, bytes: Buffer, label: VersionLabel): Promise<CanvasVersion> {
    return this.#inTurn(canvasPath, async (folder, folderName) => {
      const started = this.#clock.now();
      const etag = label.etag ?? etagOf(bytes);
      await this.#make(folder, canvasPath);
      const versions = await readVersions(folder);
      const newest = versions.at(-1);
      if (newest?.settled && newest.etag === etag) return publicOf(newest, bytes.length);
      const name = this.#nameNext(versions, { ...label, etag, settled: true });
      const fileName = formatVersionName(name);
      await writeWhole(folder, fileName, bytes);
      this.#reportKept('bytes', bytes.length, started);
      await this.#prune(folder, folderName, [...versions, { ...name, file: path.join(folder, fileName) }]);
      return publicOf(name, bytes.length);
    });
  }

  keepAll(canvasPath: string, given: readonly (VersionLabel & { bytes: Buffer; etag: string })[]): Promise<void> {
    return this.#inTurn(canvasPath, async (folder, folderName) => {
      const started = this.#clock.now();
      await this.#make(folder, canvasPath);
      const versions = await readVersions(folder);
      const etags = new Set(versions.filter(({ settled }) => settled).map(({ etag }) => etag));
      const ids = new Set(versions.map(({ id }) => id));
      const packed: PackedVersion[] = [];
      for (const { bytes, etag, origin, created, replacedAtMs = this.#clock.wall() } of given) {
        if (etags.has(etag)) continue;
        etags.add(etag);
        let id = nextVersionId(replacedAtMs, packed.at(-1)?.id);
        while (ids.has(id)) id = nextVersionId(0, id);
        packed.push({ id, created, origin, etag, isUnseen: true, bytes });
      }
      if (packed.length === 0) return;
      await writePack(folder, packed);
      await this.#sync(folder);
      const length = packed.reduce((sum, { bytes }) => sum + bytes.length, 0);
      this.#reportKept('pack', length, started);
      await this.#prune(folder, folderName, await readVersions(folder));
    });
  }

  list(canvasPath: string): Promise<CanvasVersion[]> {
    return this.#inTurn(canvasPath, async (folder) =>
      retained(await readVersions(folder), this.#options, this.#clock.wall())
        .reverse()
        .flatMap((version) => {
          const bytes = lengthOf(version);
          return bytes === undefined ? [] : [publicOf(version, bytes)];
        }),
    );
  }

  read(canvasPath: string, id: string, onFound?: (bytes: number) => void): Promise<Buffer | undefined> {
    return this.#inTurn(canvasPath, async (folder) => {
      const version = (await readVersions(folder)).find((candidate) => candidate.id === id);
      if (!version) return undefined;
      onFound?.(lengthOf(version) ?? 0);
      return readVersion(folder, version, maxCanvasBytes);
    });
  }

  async move(from: string, to: string): Promise<void> {
    const names = [folderNameOf(from), folderNameOf(to)];
    const [source = '', target = ''] = names.map((name) => path.join(this.#options.folder, name));
    if (source === target) return;
    await this.#order.run(names, async () => {
      if ((await readVersions(source)).length === 0) return;
      await giveVersions(source, target, to);
      this.#unsyncedFolders.add(target);
      await this.#prune(target, path.basename(target), await readVersions(target));
    });
  }

  sync(canvasPath: string): Promise<void> {
    return this.#inTurn(canvasPath, async (folder) => {
      if (lstatSync(folder, { throwIfNoEntry: false })) await this.#sync(folder);
    });
  }

  async sweep(): Promise<void> {
    const failures = await sweepHistory({
      root: this.#options.folder,
      order: this.#order,
      maxBytes: maxCanvasBytes,
      prune: (name, versions) => this.#prune(path.join(this.#options.folder, name), name, versions),
      isHeld: (folderName, id) => this.#held.has(`${folderName}/${id}`),
    });
    const first = failures[0];
    if (first) this.#options.logger?.warn({ err: first.error, folders: failures.length }, 'histories not in order');
  }

  async close(): Promise<void> {
    await this.#order.idle();
    for (const original of this.#held.values()) await original?.close();
    this.#held.clear();
  }

  #inTurn<T>(canvasPath: string, work: (folder: string, folderName: string) => Promise<T>): Promise<T> {
    const folderName = folderNameOf(canvasPath);
    return this.#order.run([folderName], () => work(path.join(this.#options.folder, folderName), folderName));
  }

  async #sync(folder: string): Promise<void> {
    await syncFolder(folder);
    if (!this.#unsyncedFolders.has(folder)) return;
    await syncFolder(this.#options.folder);
    this.#unsyncedFolders.delete(folder);
  }

  async #make(folder: string, canvasPath: string): Promise<void> {
    if (await makeVersionFolder(folder, canvasPath)) this.#unsyncedFolders.add(folder);
  }

  #nameNext(versions: StoredVersion[], { etag, origin, created, ...label }: NewVersion): VersionName {
    const { settled, isUnseen = false, replacedAtMs = this.#clock.wall() } = label;
    return { id: nextVersionId(replacedAtMs, versions.at(-1)?.id), etag, origin, created, settled, isUnseen };
  }

  #release(folderName: string, id: string): FileHandle | undefined {
    const key = `${folderName}/${id}`;
    const original = this.#held.get(key);
    this.#held.delete(key);
    return original;
  }

  async #prune(folder: string, folderName: string, versions: StoredVersion[]): Promise<StoredVersion[]> {
    const kept = new Set(retained(versions, this.#options, this.#clock.wall()));
    const dropped = versions.filter((version) => !kept.has(version) && !this.#held.has(`${folderName}/${version.id}`));
    if (dropped.length === 0) return versions;
    const count = await removeVersions(folder, versions, dropped);
    if (count > 0) this.#options.onEvent({ type: 'versions_dropped', count });
    return versions.filter((version) => !dropped.includes(version));
  }

  #reportKept(how: 'link' | 'copy' | 'bytes' | 'pack', bytes: number, started: number): void {
    this.#options.onEvent({
      type: 'version_kept',
      how,
      bytes,
      durationSeconds: (this.#clock.now() - started) / 1000,
    });
    if (how !== 'copy' || this.#hasWarned) return;
    this.#hasWarned = true;
    this.#options.logger?.warn('the history is on another file system than the vault, or links are refused: copying');
  }
}

const publicOf = (name: VersionName, bytes: number): CanvasVersion => ({
  id: name.id,
  etag: name.etag,
  bytes,
  created: name.created,
  origin: name.origin,
});
