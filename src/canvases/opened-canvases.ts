import type { CanvasCache, Canvases, MoveAnswer, PutAnswer } from './canvases.js';
import type { ChangeLog } from './changes/change-log.js';
import { etagOf } from './document/etag.js';
import type { JsonBytes } from './document/json-bytes.baseline.js';
import { canvasInvalid, canvasNotFound, canvasTooLarge, maxCanvasBytes, readFailure } from './errors.js';
import type { CanvasVersion } from './history/canvas-version.js';
import { versionUnknown } from './history/errors.js';
import type { History } from './history/history.js';
import { listAcknowledged } from './reading/acknowledged-list.js';
import type { CanvasList, CanvasListPage } from './reading/canvas-list.js';
import type { CanvasReader } from './reading/canvas-reader.baseline.js';
import type { CanvasAnswer, CanvasQuestion, CanvasReads } from './reading/canvas-reads.js';
import type { AcceptedCodings } from './reading/coding/content-coding.js';
import type { KnownVersion } from './reading/known-version.js';
import type { VaultFiles } from './vault/vault-files.js';
import { parseVaultPath, type VaultPath } from './vault/vault-path.js';
import type { WalkRange } from './vault/vault-walk.js';
import type { OverwrittenVersions } from './writing/overwritten-versions.js';
import type { Preconditions } from './writing/preconditions.js';
import type { RecentVersions } from './writing/recent-versions.js';
import type { WriteQueue } from './writing/write-queue.js';
import type { CanvasContent, WriteRequest } from './writing/write-request.js';

/**
 * The pieces that answer requests, and how they are all closed.
 * @source product contract, Canvases
 */
export interface CanvasesParts {
  json: JsonBytes;
  /** @throws Problem when the bytes are no canvas that a client may store */
  check(path: string, bytes: Buffer): void;
  cache: CanvasCache;
  reader: CanvasReader;
  files: Pick<VaultFiles, 'keepOverwritten'>;
  reads: CanvasReads;
  list: CanvasList;
  queue: WriteQueue;
  recent: RecentVersions;
  overwritten: OverwrittenVersions;
  history: History;
  changes: ChangeLog;
  close(): Promise<void>;
}

/**
 * Answers requests about canvases with the pieces that it is given.
 * @source product contract, Canvases
 */
export class OpenedCanvases implements Canvases {
  readonly cache: CanvasCache;
  readonly changes: ChangeLog;
  readonly #parts: CanvasesParts;
  #closing: Promise<void> | undefined;

  constructor(parts: CanvasesParts) {
    this.#parts = parts;
    this.cache = parts.cache;
    this.changes = parts.changes;
  }

  read(text: string, known: KnownVersion, accepted: AcceptedCodings = []): CanvasAnswer | Promise<CanvasAnswer> {
    return this.#parts.reads.read(text, known, accepted);
  }

  readAtOnce(questions: readonly CanvasQuestion[]): (CanvasAnswer | undefined)[] {
    return this.#parts.reads.readAtOnce(questions);
  }

  newest(text: string): Promise<CanvasContent> {
    return this.#parts.reads.newest(text);
  }

  async put(text: string, body: Buffer, conditions: Preconditions, isAsync: boolean): Promise<PutAnswer> {
    const path = parseVaultPath(text);
    const change = { kind: 'put', ...this.#validated(text, body) } as const;
    const answer = await this.#write({ path, change, conditions });
    return isAsync ? { ...answer, outcome: 'accepted' } : answer;
  }

  async edit(
    text: string,
    conditions: Preconditions,
    apply: (current: Buffer) => Buffer,
    heldBytes = 0,
  ): Promise<PutAnswer> {
    const path = parseVaultPath(text);
    const applyAndCheck = (current: Buffer) => {
      const bytes = apply(current);
      if (bytes.length > maxCanvasBytes) throw canvasTooLarge(bytes.length);
      const etag = etagOf(bytes);
      return { bytes: bytes === current ? bytes : this.#parts.json.acceptEdit(bytes, etag), etag };
    };
    return this.#write({ path, change: { kind: 'edit', heldBytes, apply: applyAndCheck }, conditions });
  }

  async delete(text: string, conditions: Preconditions): Promise<void> {
    await this.#parts.queue.write({ path: parseVaultPath(text), change: { kind: 'delete' }, conditions });
  }

  async move(from: string, to: string, conditions: Preconditions): Promise<MoveAnswer> {
    const request = { from: parseVaultPath(from), to: parseVaultPath(to), conditions };
    const { etag } = await this.#parts.queue.move(request);
    return { path: to, etag };
  }

  async versions(text: string): Promise<CanvasVersion[]> {
    const path = parseVaultPath(text);
    await this.#bringUpToDate(text);
    await this.#parts.files.keepOverwritten(path);
    const versions = await readable(this.#parts.history.list(text));
    if (versions.length === 0 && (await this.#isMissing(path))) throw canvasNotFound();
    return versions;
  }

  async readVersion(text: string, id: string, onFound?: (bytes: number) => void): Promise<Buffer> {
    parseVaultPath(text);
    const bytes = await readable(this.#parts.history.read(text, id, onFound));
    if (bytes === undefined) throw versionUnknown();
    return bytes;
  }

  async restore(text: string, id: string, conditions: Preconditions): Promise<PutAnswer> {
    const path = parseVaultPath(text);
    const bytes = await this.readVersion(text, id);
    const etag = etagOf(bytes);
    if (!this.#parts.json.isJson(bytes, etag)) {
      throw canvasInvalid([{ pointer: '', message: 'expected a version that is valid JSON' }]);
    }
    return this.#write({ path, change: { kind: 'put', bytes, etag }, conditions });
  }

  async bytesOf(text: string, etag: string): Promise<Buffer | undefined> {
    const path = parseVaultPath(text);
    const { queue, recent, overwritten, reader, history } = this.#parts;
    const newest = queue.unwritten.newest(text);
    if (newest?.kind === 'canvas' && newest.etag === etag) return newest.bytes;
    const remembered = recent.bytesOf(text, etag) ?? overwritten.bytesOf(text, etag);
    if (remembered) return remembered;
    const { state } = await reader.read(path);
    if (state.kind === 'canvas' && state.etag === etag) return state.bytes;
    const version = (await readable(history.list(text))).find((candidate) => candidate.etag === etag);
    return version && readable(history.read(text, version.id));
  }

  /** What is acknowledged is looked at before the files are: what is written meanwhile is then in one of the two. */
  async list(range: WalkRange, limit: number): Promise<CanvasListPage> {
    const acknowledged = [...this.#parts.queue.unwritten.all()];
    return listAcknowledged(await this.#parts.list.page(range, limit), range, limit, acknowledged);
  }

  flush(): Promise<number> {
    return this.#parts.queue.flush();
  }

  pendingWrites(): number {
    return this.#parts.queue.backlog.writes;
  }

  pendingBytes(): number {
    return this.#parts.queue.backlog.bytes;
  }

  close(): Promise<void> {
    this.#closing ??= this.#parts.close();
    return this.#closing;
  }

  #validated(text: string, body: Buffer): CanvasContent {
    if (body.length > maxCanvasBytes) throw canvasTooLarge(body.length);
    this.#parts.check(text, body);
    const etag = etagOf(body);
    return { bytes: this.#parts.json.accept(body, etag), etag };
  }

  async #write(request: WriteRequest): Promise<PutAnswer> {
    const { outcome, etag = '', bytes } = await this.#parts.queue.write(request);
    return { outcome: outcome === 'deleted' ? 'replaced' : outcome, path: request.path.text, etag, bytes };
  }

  async #isMissing(path: VaultPath): Promise<boolean> {
    const newest = this.#parts.queue.unwritten.newest(path.text);
    return (newest ?? (await this.#parts.reader.read(path)).state).kind === 'missing';
  }

  /** So that the history has what the last writes replaced; what a full disk does not take now keeps its place in line. */
  async #bringUpToDate(text: string): Promise<void> {
    await this.#parts.queue.unwritten.drain(text).catch(() => {});
    await this.#parts.overwritten.archive(text).catch(() => {});
  }
}

/** @throws Problem VAULT_UNAVAILABLE where the system refuses */
const readable = <T>(reading: Promise<T>): Promise<T> =>
  reading.catch((error: unknown) => {
    throw readFailure(error);
  });
