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
 * Where a write of a group does not go on from the one before it, the journal gets that one too: see write-run.ts.
 */
import type { KeyedOrder } from '../history/keyed-order.js';
import type { Journal } from '../journal/journal.js';
import type { VaultPath } from '../vault/vault-path.js';
import type { WriteComparison } from './comparing/write-comparison.js';
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
import { runFor, type WriteRun } from './write-run.js';

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
  /** A version that no file has was overwritten by somebody who had not seen it; the journal keeps it. */
  onOverwritten(path: VaultPath): void;
  /** Hears what was answered, and which canvases had a write refused that was decided already. */
  comparison?: Pick<WriteComparison, 'answered' | 'forget'>;
}

const etagOfState = (state: CurrentCanvas) => (state.kind === 'missing' ? undefined : state.etag);
const nothingToRelease = () => {};

/**
 * The writer that answers from the journal.
 * @source story-17.4 AC2 (batch writer); product contract, `batch_writer`
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
      await this.#decide(path, before, group, known === undefined);
    } catch (error) {
      if (this.#open.get(path.text) === group) this.#open.delete(path.text);
      for (const write of group) write.reject(error);
    }
  }

  async #decide(path: VaultPath, before: CurrentCanvas, group: PendingWrite[], isInFile: boolean): Promise<void> {
    let release: (() => void) | undefined;
    let after = before;
    const replacedAtMs = this.#options.wall();
    const runs: WriteRun[] = [];
    for (const write of group) {
      try {
        const next = applyWrite(after, write.request, replacedAtMs);
        if (before.kind === 'missing') release ??= this.#options.files.claimName(path);
        const run = runFor(runs, write, { before: after, after: next });
        run.passed.push({ write, before: after, after: next });
        run.after = next;
        after = next;
      } catch (error) {
        write.reject(error);
      }
    }
    const first = runs[0];
    if (!first) return;
    first.keepsReplaced &&= !isInFile;
    const deletion = after.kind === 'missing' && runs.at(-1)?.before.kind !== 'missing' ? runs.pop() : undefined;
    const failure = await this.#store(path, runs, release ?? nothingToRelease, replacedAtMs);
    if (!deletion) return;
    if (failure) for (const { write } of deletion.passed) write.reject(failure.reason);
    else await this.#delete(path, deletion, runs.length > 0);
  }

  /**
   * Answers each run when the journal has it; one that fails has nothing to do with those behind it.
   * @returns why the last one failed, if it did
   */
  async #store(
    path: VaultPath,
    runs: readonly WriteRun[],
    release: () => void,
    replacedAtMs: number,
  ): Promise<PromiseRejectedResult | undefined> {
    const appended = await Promise.allSettled(runs.map((run) => this.#append(path, run)));
    const stored = runs.filter((_run, index) => appended[index]?.status === 'fulfilled');
    const changed = stored.filter((run) => !isThere(run));
    const last = changed.at(-1);
    if (last) {
      const requests = stored.reduce((sum, { passed }) => sum + passed.length, 0);
      const since = { isUnseen: changed[0]?.isUnseen === true, replacedAtMs };
      this.#options.unwritten.acknowledge(path, last.after, requests, release, since);
    } else {
      release();
    }
    for (const [index, run] of runs.entries()) {
      const result = appended[index];
      if (result?.status === 'rejected') {
        this.#options.comparison?.forget(path.text);
        for (const { write } of run.passed) write.reject(result.reason);
      } else this.#answer(path, run);
    }
    const lastResult = appended.at(-1);
    return lastResult?.status === 'rejected' ? lastResult : undefined;
  }

  /** What is deleted stays in the history, which takes it from the file: so the file gets the last version first. */
  async #delete(path: VaultPath, run: WriteRun, isBeforeStored: boolean): Promise<void> {
    const { unwritten } = this.#options;
    const last = run.passed.findLast(({ after }) => after.kind === 'canvas')?.after ?? run.before;
    try {
      const before = { ...run, after: last, keepsReplaced: run.keepsReplaced && last !== run.before };
      const isStored = last === run.before && isBeforeStored;
      if (!isStored) await this.#append(path, before);
      if (!isStored && !isThere(before)) unwritten.acknowledge(path, last, 0, nothingToRelease, run);
      await unwritten.drain(path.text);
      await this.#append(path, { ...run, before: last });
      unwritten.acknowledge(path, run.after, run.passed.length, nothingToRelease, { isUnseen: true });
      this.#answer(path, run);
    } catch (error) {
      for (const { write } of run.passed) write.reject(error);
    }
  }

  #answer(path: VaultPath, { passed, keepsReplaced }: WriteRun): void {
    if (keepsReplaced) this.#options.onOverwritten(path);
    this.#options.comparison?.answered(path, passed);
    for (const { write, before, after } of passed) {
      if (after !== before) this.#options.onStored(path.text, before, after);
      write.resolve(resultOf(before, after));
    }
  }

  /** Makes the end of a run durable. */
  async #append({ text: path }: VaultPath, run: WriteRun): Promise<void> {
    if (isThere(run)) return;
    const { before, after, keepsReplaced } = run;
    const previousEtag = etagOfState(before);
    const { journal } = this.#options;
    if (after.kind === 'canvas') {
      await journal.append({ kind: 'put', path, bytes: after.bytes, etag: after.etag, previousEtag, keepsReplaced });
    } else {
      await journal.append({ kind: 'delete', path, previousEtag });
    }
  }
}

/** Bytes that were there all along need no journal, unless another program wrote them without care. */
function isThere({ before, after }: WriteRun): boolean {
  if (etagOfState(before) !== etagOfState(after) || (after.kind === 'canvas' && before.kind !== 'canvas')) return false;
  return before.kind === 'missing' || (before.kind === 'canvas' && before.isDurable);
}
