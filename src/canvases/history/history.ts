import type { Logger } from '../../logger.js';
import type { Clock } from '../clock.js';
import type { CanvasVersion, Origin } from './canvas-version.js';
import type { LinkFile } from './files/held-file.js';

/**
 * What the history reports, for metrics.
 * - `version_kept`: `link` cost no bytes; `copy` is the way where the file system refuses links; `bytes` came from
 *   memory, alone or in a `pack` with others (then `bytes` is the length of all of them).
 * - `outside_edit_kept`: a version held other bytes than the service had known; another program wrote them.
 * - `versions_dropped`: too many or too old.
 * - `version_missing`: another program wrote over a version of ours before a copy was made, and memory had let go of it.
 * @source product contract, Monitoring
 */
export type HistoryEvent =
  | { type: 'version_kept'; how: 'link' | 'copy' | 'bytes' | 'pack'; bytes: number; durationSeconds: number }
  | { type: 'outside_edit_kept'; bytes: number }
  | { type: 'versions_dropped'; count: number }
  | { type: 'version_missing' };

/**
 * `folder` should be on the vault's file system, since links do not reach across; it is made when missing.
 * `maxVersions` and `maxAgeMs` (counted from when a version was kept) bound each canvas.
 * @source product contract, Canvases ("bounded count")
 */
export interface HistoryOptions {
  folder: string;
  maxVersions?: number;
  maxAgeMs?: number;
  clock?: Pick<Clock, 'now' | 'wall'>;
  logger?: Logger;
  onEvent(event: HistoryEvent): void;
  /** Where tests refuse links. */
  link?: LinkFile;
}

/**
 * What the keeper knows of the bytes: their etag where it is known, who made them, and when they became the canvas (ms
 * since the epoch).
 * @source product contract, Settled details ("`versions` answers ...")
 */
export interface VersionLabel {
  etag?: string;
  origin: Origin;
  created: number;
  /** Whoever replaced it had not seen it. */
  isUnseen?: boolean;
  /** When it was replaced, ms since the epoch; default now. Versions are listed in this order. */
  replacedAtMs?: number;
}

/** A version that is being kept: give it to `settle` or `discard`. @source product contract, Promises 3 */
export interface HeldVersion extends CanvasVersion {
  readonly canvasPath: string;
  /** Of the canvas's file that is held; no other file gets it before `settle` or `discard`. */
  readonly inode: bigint;
}

/** @source product contract, Canvases (`versions`); Promises 3 */
export interface History {
  /**
   * Holds what is about to be replaced. Call it before the rename, then exactly one of `settle` and `discard`.
   * @param file an address of the canvas's file
   * @returns undefined when there is no regular file at that address
   * @throws the system's error; then nothing may be replaced
   */
  keepFile(canvasPath: string, file: string, label: VersionLabel): Promise<HeldVersion | undefined>;
  /**
   * After the rename: hashes what was held. Other bytes than labelled become `external`; bytes equal to the version
   * before it leave that one alone in the list.
   * @param elsewhereEtag of bytes that are at another path of the vault: if it turns out to hold them, it is dropped
   * @returns the version as it is listed from now on; undefined when it was dropped
   */
  settle(held: HeldVersion, elsewhereEtag?: string): Promise<CanvasVersion | undefined>;
  /** When there was no rename, or the file has another name: lets go of it. One that has no other name is kept all the same. */
  discard(held: HeldVersion): Promise<void>;
  /** Keeps bytes that have no file; once, when they equal the newest version. */
  keepBytes(canvasPath: string, bytes: Buffer, label: VersionLabel): Promise<CanvasVersion>;
  /**
   * Keeps several versions that follow each other, durably, for about the bytes of one. Left out are those whose bytes
   * the history has already.
   * @param versions oldest first
   */
  keepAll(canvasPath: string, versions: readonly (VersionLabel & { bytes: Buffer; etag: string })[]): Promise<void>;
  /** Newest first; of a canvas that was deleted too. */
  list(canvasPath: string): Promise<CanvasVersion[]>;
  /**
   * A copy of a version's bytes. Any id may be asked for; undefined when there is no such version.
   * @param onFound gets the version's length before any of it is read; what it throws refuses the read
   */
  read(canvasPath: string, id: string, onFound?: (bytes: number) => void): Promise<Buffer | undefined>;
  /** Takes the history along with a canvas; joined to what the new path already has. */
  move(from: string, to: string): Promise<void>;
  /** Makes durable what was kept for a canvas so far. */
  sync(canvasPath: string): Promise<void>;
  /** Drops what is too old everywhere. It runs at open too; once a day is enough. */
  sweep(): Promise<void>;
  /** Waits for what is under way. */
  close(): Promise<void>;
}
