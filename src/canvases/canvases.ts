import type { ChangeLog } from './changes/change-log.js';
import type { CanvasVersion } from './history/canvas-version.js';
import type { CanvasListPage } from './reading/canvas-list.js';
import type { CanvasCacheStatistics } from './reading/canvas-reader.js';
import type { CanvasAnswer, CanvasQuestion } from './reading/canvas-reads.js';
import type { AcceptedCodings } from './reading/coding/content-coding.js';
import type { KnownVersion } from './reading/known-version.js';
import type { WalkRange } from './vault/vault-walk.js';
import type { Preconditions } from './writing/preconditions.js';
import type { CanvasContent } from './writing/write-request.js';

/**
 * How a request to store ended. `accepted`: the client asked not to wait for
 * its file; the version is visible all the same.
 * @source product contract, Canvases (`PUT`)
 */
export interface PutAnswer {
  outcome: 'created' | 'replaced' | 'unchanged' | 'accepted';
  path: string;
  etag: string;
  bytes: number;
}

/**
 * Where a canvas is now, and its ETag, which a move leaves as it is.
 * @source product contract, Canvases (`POST /canvas/{path}/move`)
 */
export interface MoveAnswer {
  path: string;
  etag: string;
}

/**
 * The bytes of canvases that are kept in memory, as an operator sees them.
 * @source product contract, Trajectories (`GET /admin/cache`)
 */
export interface CanvasCache {
  readonly name: string;
  statistics(): CanvasCacheStatistics;
  clear(): void;
}

/**
 * The canvases of one vault. Paths are as clients write them, percent-decoded once; whatever is wrong with a request
 * is thrown as a Problem (docs/errors.md).
 * @source product contract, Canvases
 */
export interface Canvases {
  /**
   * One canvas, at once when it is in memory; compressed when that form was made and the client accepts it.
   * @throws Problem CANVAS_PATH_INVALID, CANVAS_NOT_FOUND, CANVAS_INVALID, CANVAS_TOO_LARGE, CANVAS_BUSY
   */
  read(path: string, known: KnownVersion, accepted?: AcceptedCodings): CanvasAnswer | Promise<CanvasAnswer>;
  /**
   * What `read` would answer, for each question whose answer is in memory, with nothing to wait for or to refuse. The file
   * of each canvas is looked at once, however often it is asked for. Never throws.
   */
  readAtOnce(questions: readonly CanvasQuestion[]): (CanvasAnswer | undefined)[];
  /**
   * The bytes of a canvas for another part of the service: no client reads it, and none is counted.
   * @throws Problem, as `read`
   */
  newest(path: string): Promise<CanvasContent>;
  /** Stores the bytes as they are; kept when they are durable, with `isAsync` too: then the outcome is `accepted`. */
  put(path: string, body: Buffer, conditions: Preconditions, isAsync: boolean): Promise<PutAnswer>;
  /** Kept when the canvas is durably gone. */
  delete(path: string, conditions: Preconditions): Promise<void>;
  /**
   * Changes a canvas: `apply` gets the newest accepted bytes, in order with all other writes of the canvas, and what it
   * throws refuses this edit only. It may be called again, must not alter the bytes it gets, and gives them back or others
   * that it has checked. `heldBytes` is what it keeps in memory meanwhile, such as the body of its request.
   * @throws Problem CANVAS_NOT_FOUND, PRECONDITION_FAILED, CANVAS_TOO_LARGE; what `apply` throws
   */
  edit(
    path: string,
    conditions: Preconditions,
    apply: (current: Buffer) => Buffer,
    heldBytes?: number,
  ): Promise<PutAnswer>;
  /**
   * Gives a canvas another path, its history with it.
   * @throws Problem CANVAS_NOT_FOUND, PRECONDITION_FAILED, CANVAS_EXISTS, CANVAS_NAME_CLASH
   */
  move(from: string, to: string, conditions: Preconditions): Promise<MoveAnswer>;
  /**
   * What earlier writes replaced, newest first; of a deleted canvas too.
   * @throws Problem CANVAS_NOT_FOUND when there is neither a canvas nor a version
   */
  versions(path: string): Promise<CanvasVersion[]>;
  /**
   * @param onFound gets the version's length before any of it is read; what it throws refuses the read
   * @throws Problem CANVAS_VERSION_UNKNOWN
   */
  readVersion(path: string, id: string, onFound?: (bytes: number) => void): Promise<Buffer>;
  /**
   * Makes a version the canvas again, also when that was deleted.
   * @throws Problem CANVAS_VERSION_UNKNOWN, PRECONDITION_FAILED, CANVAS_INVALID for a version that is no JSON
   */
  restore(path: string, id: string, conditions: Preconditions): Promise<PutAnswer>;
  /** The bytes of a version of a canvas, current or earlier; undefined when they are kept nowhere. */
  bytesOf(path: string, etag: string): Promise<Buffer | undefined>;
  /** Each acknowledged write (`api`) and each edit that another program made (`external`). */
  readonly changes: ChangeLog;
  readonly cache: CanvasCache;
  list(range: WalkRange, limit: number): Promise<CanvasListPage>;
  /** Writes everything that waits now; answers how many canvases that were. */
  flush(): Promise<number>;
  /** Writes that are not answered, and canvases whose acknowledged bytes are not in their file yet. */
  pendingWrites(): number;
  pendingBytes(): number;
  /** Refuses further writes, brings everything acknowledged to its file, and lets go of the vault; once. */
  close(): Promise<void>;
}
