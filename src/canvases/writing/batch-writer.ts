/**
 * Answers a write when the journal has it: a few hundred bytes and one flush for everything in flight, however many
 * canvases. The file follows by its window (unwritten-canvases.ts). What comes for one canvas while the journal is
 * busy with it goes along as one group, of which the journal gets the end only:
 *
 *     request    1    2 3 4          5
 *     journal    [-1-][----4----]    [-5-]
 *     answer         1          2 3 4     5
 *     file        .......[4].............[5]
 *
 * A group is decided when its turn comes, against the newest acknowledged state and nothing else: whoever builds on a
 * write builds on one that was promised. When the journal fails, the group is refused and that state is what it was.
 */
import type { KeyedOrder } from '../history/keyed-order.js';
import type { Journal } from '../journal/journal.js';
import type { VaultPath } from '../vault/vault-path.js';
import { PendingWrite } from './pending-write.js';
import type { CurrentCanvas } from './preconditions.js';
import type { UnwrittenCanvases } from './unwritten-canvases.js';
import {
  applyWrite,
  type CanvasFiles,
  type CanvasWriter,
  type OnStored,
  resultOf,
  type WriteRequest,
  type WriteResult,
} from './write-request.js';

/**
 * What the batch writer needs: the order that all writers share, and those that bring files up to date. `wall` is the
 * machine's date, ms since the epoch.
 * @source product contract, `batch_writer`
 */
export interface BatchWriterOptions {
  files: CanvasFiles;
  order: KeyedOrder;
  journal: Pick<Journal, 'append'>;
  unwritten: Pick<UnwrittenCanvases, 'newest' | 'acknowledge' | 'drain'>;
  wall(): number;
  onStored: OnStored;
}

interface Passed {
  write: PendingWrite;
  before: CurrentCanvas;
  after: CurrentCanvas;
}

const etagOfState = (state: CurrentCanvas) => (state.kind === 'missing' ? undefined : state.etag);
const nothingToRelease = () => {};

/**
 * The writer that answers from the journal.
 * @source story-17.4 AC3 (batch writer); product contract, `batch_writer`
 */
export class BatchWriter implements CanvasWriter {
  readonly #options: BatchWriterOptions;
  /** The group of each canvas that may still be joined. */
  readonly #open = new Map<string, PendingWrite[]>();

  constructor(options: BatchWriterOptions) {
    this.#options = options;
  }

  write(request: WriteRequest): Promise<WriteResult> {
    const write = new PendingWrite(request);
    const { path } = request;
    const open = this.#open.get(path.text);
    if (open) {
      open.push(write);
      return write.done;
    }
    const group = [write];
    this.#open.set(path.text, group);
    void this.#options.order.run([path.text], () => this.#carryOut(path, group));
    return write.done;
  }

  /** Lets nothing more join what waits for a canvas: something else has its turn right after it. */
  seal(text: string): void {
    this.#open.delete(text);
  }

  async #carryOut(path: VaultPath, group: PendingWrite[]): Promise<void> {
    const { files, unwritten } = this.#options;
    try {
      const known = unwritten.newest(path.text);
      const found = known ?? files.current(path);
      const before = found instanceof Promise ? await found : found;
      if (this.#open.get(path.text) === group) this.#open.delete(path.text);
      if (!known) files.checkWritable(path);
      await this.#decide(path, before, group);
    } catch (error) {
      if (this.#open.get(path.text) === group) this.#open.delete(path.text);
      for (const write of group) write.reject(error);
    }
  }

  async #decide(path: VaultPath, before: CurrentCanvas, group: PendingWrite[]): Promise<void> {
    let release: (() => void) | undefined;
    let after = before;
    const passed: Passed[] = [];
    for (const write of group) {
      try {
        const next = applyWrite(after, write.request, this.#options.wall());
        if (before.kind === 'missing') release ??= this.#options.files.claimName(path);
        passed.push({ write, before: after, after: next });
        after = next;
      } catch (error) {
        write.reject(error);
      }
    }
    if (passed.length === 0) return;
    try {
      const isDeleted = before.kind !== 'missing' && after.kind === 'missing';
      const last = isDeleted ? await this.#putInFile(path, before, passed) : before;
      await this.#store(path, last, after, passed.length, release ?? nothingToRelease);
    } catch (error) {
      release?.();
      throw error;
    }
    for (const { write, before: found, after: left } of passed) {
      if (left !== found) this.#options.onStored(path.text, found, left);
      write.resolve(resultOf(found, left));
    }
  }

  /**
   * What is deleted stays in the history, which takes it from the file: so the file gets the last version first.
   * @returns that version
   */
  async #putInFile(path: VaultPath, before: CurrentCanvas, passed: readonly Passed[]): Promise<CurrentCanvas> {
    const last = passed.findLast(({ after }) => after.kind === 'canvas')?.after ?? before;
    await this.#store(path, before, last, 0, nothingToRelease);
    await this.#options.unwritten.drain(path.text);
    return last;
  }

  /** Makes the end of a group durable. Bytes that were there all along need it only if another program wrote them. */
  async #store(
    path: VaultPath,
    before: CurrentCanvas,
    after: CurrentCanvas,
    requests: number,
    release: () => void,
  ): Promise<void> {
    const { journal, unwritten } = this.#options;
    const isThere = etagOfState(before) === etagOfState(after) && (after.kind !== 'canvas' || before.kind === 'canvas');
    if (isThere && (before.kind === 'missing' || (before.kind === 'canvas' && before.isDurable))) {
      release();
      return;
    }
    const text = path.text;
    const previousEtag = etagOfState(before);
    if (after.kind === 'canvas') {
      await journal.append({ kind: 'put', path: text, bytes: after.bytes, etag: after.etag, previousEtag });
    } else {
      await journal.append({ kind: 'delete', path: text, previousEtag });
    }
    unwritten.acknowledge(path, after, requests, release);
  }
}
