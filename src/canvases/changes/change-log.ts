/**
 * The latest changes of all canvases, in memory, so that a client which was away can be told exactly what it missed.
 * Bounded by number and bytes: older changes are forgotten, and whoever asks from before them is told so. Numbers begin
 * anew with each start of the service, under another name, so that an id of an earlier run is never taken for one of
 * this run.
 */
import { randomBytes } from 'node:crypto';
import type { Logger } from '../../logger.js';

/**
 * One change of one canvas. `etag` is the new version's, null when the canvas is gone. A move has the new path in
 * `path` and the old one in `from`, and concerns whoever follows either. With `kept` another program edited the file
 * while an acknowledged write was on its way into it: the write, `etag`, stays the canvas, and the edit goes to the
 * history under the ETag `kept`.
 * @source product contract, Canvases (`GET /canvas/{path}/events`)
 */
export interface CanvasChange {
  id: string;
  path: string;
  etag: string | null;
  kind: 'created' | 'changed' | 'deleted' | 'moved';
  origin: 'api' | 'external';
  from?: string;
  kept?: string;
}

/** @source product contract, Canvases (`GET /canvas/{path}/events`) */
export type ChangeListener = (change: CanvasChange) => void;

/**
 * `maxBytes` is an estimate of the memory that remembered changes take.
 * @source product contract, Promises 6
 */
export interface ChangeLogOptions {
  capacity?: number;
  maxBytes?: number;
  /** Where listeners that throw are named. */
  logger?: Logger;
}

/** @source product contract, Settled details (SSE) */
export interface ChangeLog {
  /** Gives the change its id and tells the listeners, at once and in the order in which they came. */
  publish(change: Omit<CanvasChange, 'id'>): CanvasChange;
  /**
   * What came after an event, oldest first.
   * @param path only what concerns this canvas
   * @returns 'reset' when that cannot be told: the id is too old, of another run, of the future, or none of ours
   */
  since(lastEventId: string, path?: string): CanvasChange[] | 'reset';
  /** The id from which nothing has been missed as of now. */
  position(): string;
  /** @returns what ends the subscription */
  subscribe(listener: ChangeListener, path?: string): () => void;
}

const pattern = /^([0-9a-f]{12})-(0|[1-9]\d{0,14})$/;

/**
 * Whether a text has the form of our ids, of this run or an earlier one.
 * @source HTML Standard section 9.2.4 (the Last-Event-ID header)
 */
export const isChangeId = (text: string): boolean => pattern.test(text);

/** An estimate: the object, its id and slot, and two bytes for each unit of the paths. */
const bytesOfChange = (change: CanvasChange) => 200 + 2 * (change.path.length + (change.from?.length ?? 0));

const concerns = (change: CanvasChange, path: string | undefined) =>
  path === undefined || change.path === path || change.from === path;

/**
 * @throws RangeError for a capacity below one
 * @source product contract, Settled details (SSE); Promises 6
 */
export function createChangeLog(options: ChangeLogOptions = {}): ChangeLog {
  const { capacity = 10_000, maxBytes = 8 * 1024 * 1024, logger } = options;
  if (!(capacity >= 1)) throw new RangeError(`expected a capacity of at least 1, got ${capacity}`);
  const run = randomBytes(6).toString('hex');
  /** Change number n lies in slot n % capacity; those from `oldest` to `newest` are remembered. */
  const slots: (CanvasChange | undefined)[] = [];
  let oldest = 1;
  let newest = 0;
  let bytes = 0;
  const followers = new Map<string | undefined, Set<ChangeListener>>();

  const forgetOldest = () => {
    const slot = oldest % capacity;
    const forgotten = slots[slot];
    if (forgotten) bytes -= bytesOfChange(forgotten);
    slots[slot] = undefined;
    oldest += 1;
  };

  const tell = (change: CanvasChange, path: string | undefined) => {
    for (const listener of [...(followers.get(path) ?? [])]) {
      try {
        listener(change);
      } catch (error) {
        logger?.error({ err: error }, 'a listener to changes failed');
      }
    }
  };

  const position = () => `${run}-${newest}`;

  return {
    position,
    publish(given) {
      newest += 1;
      const change = { ...given, id: position() };
      if (newest - oldest >= capacity) forgetOldest();
      slots[newest % capacity] = change;
      bytes += bytesOfChange(change);
      while (bytes > maxBytes && oldest < newest) forgetOldest();
      tell(change, undefined);
      tell(change, change.path);
      if (change.from !== undefined && change.from !== change.path) tell(change, change.from);
      return change;
    },
    since(lastEventId, path) {
      const match = pattern.exec(lastEventId);
      const last = Number(match?.[2]);
      if (match?.[1] !== run || last > newest || last < oldest - 1) return 'reset';
      const missed: CanvasChange[] = [];
      for (let number = last + 1; number <= newest; number += 1) {
        const change = slots[number % capacity];
        if (change && concerns(change, path)) missed.push(change);
      }
      return missed;
    },
    subscribe(listener, path) {
      const own: ChangeListener = (change) => listener(change);
      const group = followers.get(path) ?? new Set();
      followers.set(path, group.add(own));
      return () => {
        group.delete(own);
        if (group.size === 0 && followers.get(path) === group) followers.delete(path);
      };
    },
  };
}
