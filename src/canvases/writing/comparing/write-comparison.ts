/**
 * Carries out some acknowledged writes once more, the original way: one request after the other on what was there before
 * them; and compares what comes out with what the file of the canvas holds when all of them are in it. One canvas at a time:
 *
 *     requests    1  2     3 4      5
 *     watched     [---------------------]   from the first answer until the file has caught up
 *     file                            [5]   is this 1, 2, 3, 4, 5 applied in turn?
 *
 * Nothing is asked of the file before the writer is done with it, and nothing is said when another program was at it.
 */
import type { AnswerCheck, Optimization, Trial } from '../../../optimization.js';
import { differenceOfBytes } from '../../reading/read-checks.js';
import type { FileState } from '../../reading/stored-canvas.js';
import type { VaultPath } from '../../vault/vault-path.js';
import type { CurrentCanvas } from '../preconditions.js';
import { applyWrite, type WriteRequest } from '../write-request.js';

/** A request that was answered, and what it found and left. @source product contract, `batch_writer` */
export interface AnsweredWrite {
  write: { request: WriteRequest };
  before: CurrentCanvas;
  after: CurrentCanvas;
}

/**
 * Looks at files past all that the service remembers of them.
 * @source product contract, Optimisations (`batch_writer`, `verification.sample_rate`)
 */
export interface WrittenFiles {
  read(path: VaultPath): Promise<FileState>;
  /** Names the file as it is, when it is as this service left it; undefined when it is not. */
  ownVersion(path: VaultPath): string | undefined;
}

/** @source product contract, Optimisations (`batch_writer`, `verification.sample_rate`) */
export interface WriteComparisonOptions {
  flag: Optimization<unknown>;
  files: WrittenFiles;
  /** Whether acknowledged writes of a canvas are not in its file yet. */
  isBehind(text: string): boolean;
  /** Writes the original way. */
  write(request: WriteRequest): Promise<unknown>;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
}

interface Watched {
  path: VaultPath;
  trial: Trial;
  sinceMs: number;
  before: CurrentCanvas;
  writes: AnsweredWrite[];
  bytes: number;
}

/** What should be there. `refused`: the original way would not have taken one of the writes. */
type Outcome = FileState | CurrentCanvas | { kind: 'refused'; place: number; of: number };

/** A canvas that is written without end, or whose file cannot be written, is let go. */
const maxWrites = 200;
const maxBytes = 32 * 1024 * 1024;
const maxWatchedMs = 30_000;

/**
 * Hears of each acknowledged write and of each file that has caught up.
 * @source product contract, Optimisations (`batch_writer`); Promises 1
 */
export class WriteComparison {
  readonly #options: WriteComparisonOptions;
  #watched: Watched | undefined;

  constructor(options: WriteComparisonOptions) {
    this.#options = options;
  }

  /** These were answered, in this order. */
  answered(path: VaultPath, passed: readonly AnsweredWrite[]): void {
    const first = passed[0];
    if (!first) return;
    const { flag, isBehind, now } = this.#options;
    if (this.#watched && now() - this.#watched.sinceMs > maxWatchedMs) this.#watched = undefined;
    if (this.#watched) {
      if (this.#watched.path.text === path.text) this.#add(this.#watched, passed);
      return;
    }
    const trial = isBehind(path.text) ? flag.sample?.() : undefined;
    if (!trial) return;
    this.#watched = { path, trial, sinceMs: now(), before: first.before, writes: [], bytes: 0 };
    this.#add(this.#watched, passed);
  }

  /** What was acknowledged before does not lead to what is there now, as after a refusal or a move. */
  forget(text: string): void {
    if (this.#watched?.path.text === text) this.#watched = undefined;
  }

  /** The file has everything that was acknowledged. */
  written({ text }: VaultPath): void {
    const watched = this.#watched;
    if (watched?.path.text !== text) return;
    this.#watched = undefined;
    const { files } = this.#options;
    const check: AnswerCheck<Outcome> = {
      isTimed: false,
      version: () => files.ownVersion(watched.path),
      difference: differenceOfOutcomes,
      putRight: (found, wanted) => this.#putRight(watched.path, found, wanted),
    };
    watched.trial.compare<Outcome>({
      check,
      optimised: () => files.read(watched.path),
      original: () => replayed(watched),
    });
  }

  #add(watched: Watched, passed: readonly AnsweredWrite[]): void {
    watched.writes.push(...passed);
    for (const { after } of passed) watched.bytes += after.kind === 'canvas' ? after.bytes.length : 0;
    if (watched.writes.length > maxWrites || watched.bytes > maxBytes) this.#watched = undefined;
  }

  /** What was promised is written after all, unless somebody has written meanwhile; what it replaces is in the history. */
  async #putRight(path: VaultPath, found: Outcome, wanted: Outcome): Promise<void> {
    if (!('etag' in found) || found.etag === undefined) {
      if (found.kind !== 'missing' || wanted.kind !== 'canvas') return;
      const { bytes, etag } = wanted;
      await this.#options.write({ path, change: { kind: 'put', bytes, etag }, conditions: { ifNoneMatch: '*' } });
      return;
    }
    const conditions = { ifMatch: [found.etag] };
    if (wanted.kind === 'missing') await this.#options.write({ path, change: { kind: 'delete' }, conditions });
    if (wanted.kind !== 'canvas') return;
    const { bytes, etag } = wanted;
    await this.#options.write({ path, change: { kind: 'put', bytes, etag }, conditions });
  }
}

function replayed({ before, writes }: Watched): Outcome {
  let state = before;
  for (const [place, { write, after }] of writes.entries()) {
    try {
      state = applyWrite(state, write.request, after.kind === 'canvas' ? after.modifiedMs : 0);
    } catch {
      return { kind: 'refused', place: place + 1, of: writes.length };
    }
  }
  return state;
}

/** Nobody knows what a file that is being written will hold, nor what one held that was never read. */
const isUnknown = ({ kind }: Outcome) => kind === 'changing' || kind === 'unreadable' || kind === 'too_large';

function differenceOfOutcomes(found: Outcome, wanted: Outcome): string | undefined {
  if (isUnknown(found) || isUnknown(wanted)) return undefined;
  if (wanted.kind === 'refused') return `write ${wanted.place} of ${wanted.of} is refused the original way`;
  if (found.kind === 'canvas' && wanted.kind === 'canvas') return differenceOfBytes(found.bytes, wanted.bytes);
  return found.kind === wanted.kind ? undefined : `in the file: ${found.kind}, acknowledged: ${wanted.kind}`;
}
