/**
 * The journal of acknowledged changes to canvases. Once `append` has resolved, the change survives `kill -9` and a
 * power cut: `openJournal` gives it back until `checkpoint` has said that its file holds it. It needs no file of the
 * vault to do so. It does not write those files, does not judge who may write, and expects one process in its folder.
 *
 *     append ──┐                    append ──┐
 *     append ──┴─> write, sync ──> resolve   └─ waits ─> write, sync ──> resolve     one group at a time
 *     checkpoint ── rides along, or is written without a sync when nothing else is
 */
import type { Logger } from '../../logger.js';
import { type Clock, systemClock } from '../clock.js';
import { GroupCommitJournal } from './group-commit.js';
import type { JournalEvent } from './journal-event.js';
import { type JournalFiles, nodeJournalFiles } from './journal-files.js';
import type { OverwrittenVersion, PendingCanvases } from './pending-canvases.js';
import { recover } from './recovery.js';
import { SegmentLog } from './segment-log.js';
import type { JournalDamage } from './segment-reading.js';

/**
 * A change to a canvas. `bytes` must not be altered afterwards, and `etag` must be what `etagOf` says of them.
 * `previousEtag` names the version that the change replaces, so that a replay knows the file's present bytes for ours;
 * a moved canvas has it of what it replaces at `to`, if anything. `keepsReplaced`: whoever sent it had not seen that
 * version, so where it has not reached its file it is kept as overwritten until `archived` is called.
 * @source product contract, Canvases
 */
export type CanvasChange =
  | {
      kind: 'put';
      path: string;
      bytes: Buffer;
      etag: string;
      previousEtag?: string | undefined;
      keepsReplaced?: boolean | undefined;
    }
  | { kind: 'delete'; path: string; previousEtag?: string | undefined }
  | { kind: 'move'; from: string; to: string; bytes: Buffer; etag: string; previousEtag?: string | undefined };

/**
 * A canvas whose last acknowledged change may not have reached its file. `knownEtags` are the versions that the file
 * may hold when nobody else wrote to it, the newest last; `movedFrom` the paths whose history it takes along, oldest
 * first. A moved canvas comes as a `put` at its new path and a `delete` at its old one.
 * @source product contract, Promises 1 and 3
 */
export type RecoveredCanvas =
  | { kind: 'put'; path: string; bytes: Buffer; etag: string; knownEtags: string[]; movedFrom: string[] }
  | { kind: 'delete'; path: string; knownEtags: string[]; movedFrom: string[] };

/**
 * Some version of a canvas that is not its newest acknowledged one.
 * @source product contract, Promises 3
 */
export interface JournalledVersion {
  path: string;
  bytes: Buffer;
  etag: string;
}

/**
 * @source product contract, Promises 1
 */
export interface Journal {
  /**
   * Resolves when the change is durable. When it rejects, the change is cut off the journal's file again and does not
   * come back after a restart; only where the cut fails too, or the power fails before it is on disk, it may. The next
   * append that succeeds rules that out.
   * @throws Problem STORAGE_FULL (507), JOURNAL_NOT_WRITABLE (503), JOURNAL_CLOSED (503); only for the changes of the
   *   group that failed. RangeError for a path or ETag over 16,000 characters
   */
  append(change: CanvasChange): Promise<void>;
  /**
   * The file at `path` now holds, durably, the appended version with this ETag; null: there is no file. Call it after
   * the append has resolved; a version that the journal does not wait for is ignored. It is not durable by itself: lost
   * in a power cut, it only makes the replay find bytes that the file already holds.
   */
  checkpoint(path: string, etag: string | null): void;
  /** Versions that no file ever had and that are kept for the history, by canvas, oldest first. */
  readonly overwritten: ReadonlyMap<string, readonly OverwrittenVersion<Buffer>[]>;
  /** What the overwritten versions of all canvases take in memory. */
  readonly overwrittenBytes: number;
  /** The history has, durably, the overwritten versions of a canvas up to that with this sequence. */
  archived(path: string, sequence: number): void;
  /** Canvases that have not been checkpointed. Their newest bytes are kept in memory. */
  readonly pendingCanvases: number;
  /**
   * Leaves an empty folder. Changes may be appended again afterwards.
   * @throws Error when a canvas has not been checkpointed, or has overwritten versions; the system's error
   */
  reset(): Promise<void>;
  /** Lets what was appended end, and closes the file; what has not been checkpointed stays for the next start. */
  close(): Promise<void>;
}

/**
 * @source product contract, Promises 1 and 6
 */
export interface JournalOptions {
  /** Absolute path of a folder that belongs to one vault and one process; made when missing. */
  folder: string;
  /** The ETag of some bytes. It must never change for bytes that were appended: the replay verifies with it. */
  etagOf: (bytes: Buffer) => string;
  /** A segment that has grown to this is followed by a new one; default 32 MiB. */
  maxSegmentBytes?: number;
  /** Memory for the newest versions, to write differences against; default 64 MiB. */
  maxVersionBytes?: number;
  /** Zeros written ahead; default 256 KiB, 0 for none. */
  preallocateBytes?: number;
  logger?: Logger;
  onEvent?: (event: JournalEvent) => void;
  clock?: Clock;
  /** Replaces the file system; for tests. */
  files?: JournalFiles;
}

/** @source product contract, Promises 1 */
export interface OpenedJournal {
  journal: Journal;
  /** What has to be written to its files and checkpointed, puts first. */
  recovered: RecoveredCanvas[];
  /**
   * What files of the vault were last said to hold, as far as the journal still has it: should another program have
   * overwritten that since, its bytes are here.
   */
  written: JournalledVersion[];
  damage: JournalDamage[];
}

function recoveredFrom(pending: PendingCanvases<Buffer>): RecoveredCanvas[] {
  const canvases = Array.from(pending.values(), ({ path, content, etag, earlier, movedFrom }): RecoveredCanvas => {
    const known = [...earlier.map((version) => version.etag), etag].filter((each) => each !== '');
    const knownEtags = known.filter((each, index) => known.lastIndexOf(each) === index);
    const told = { path, knownEtags, movedFrom: [...movedFrom] };
    return content ? { kind: 'put', ...told, bytes: content, etag } : { kind: 'delete', ...told };
  });
  return canvases.sort((a, b) => Number(a.kind === 'delete') - Number(b.kind === 'delete'));
}

/**
 * Opens the journal and reads back what had been acknowledged. Damaged ends are cut off and reported; nothing else on
 * disk changes before the first append or checkpoint.
 * @throws the system's error when the folder cannot be made or a segment not be read; Error when a newer version of
 *   this program wrote it
 * @source product contract, Promises 1
 */
export async function openJournal(options: JournalOptions): Promise<OpenedJournal> {
  const { folder, etagOf, logger, clock = systemClock, files = nodeJournalFiles(folder) } = options;
  const report = (event: JournalEvent) => {
    try {
      options.onEvent?.(event);
    } catch (error) {
      logger?.error({ err: error }, 'an event of the journal could not be reported');
    }
  };
  const started = clock.now();
  await files.prepare();
  const { pending, written, damage, segments, lastSequence, bytesRead } = await recover(files, etagOf);
  for (const { segment, offset, lostBytes, path } of damage) {
    logger?.warn({ segment, offset, lostBytes, canvas: path }, 'the journal was damaged; what was whole is kept');
    report({ type: 'journal_damaged', lostBytes });
    if (path === undefined) await files.truncate(segment, offset).catch(() => {});
  }
  const durationSeconds = (clock.now() - started) / 1000;
  const counts = { segments: segments.length, canvases: pending.size, bytes: bytesRead };
  report({ type: 'journal_recovered', ...counts, durationSeconds });
  const log = new SegmentLog({
    files,
    existing: segments,
    maxSegmentBytes: options.maxSegmentBytes ?? 32 * 1024 * 1024,
    maxVersionBytes: options.maxVersionBytes ?? 64 * 1024 * 1024,
    preallocateBytes: options.preallocateBytes ?? 256 * 1024,
    onRotated: (event) => report({ type: 'journal_rotated', ...event }),
    onCleanUpFailed: (error) => logger?.warn({ err: error }, 'a used-up part of the journal could not be removed'),
  });
  const journal = new GroupCommitJournal(log, pending, lastSequence, { report, logger, clock });
  return { journal, recovered: recoveredFrom(pending), written, damage };
}
