import { statSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { type CacheBounds, CacheDatabase, type FoundValue, isDamage, type StoredValue } from './cache-database.js';
import { removeCacheFile } from './cache-file.js';

/**
 * Holds the cache file, so that no disk and no lock ever holds up the thread that answers requests. Messages are
 * answered in their order. What cannot be written, since the disk is full or another process holds the lock, is
 * refused, and reading goes on; any other failure ends the thread, and its owner goes on without.
 */

/** What the thread is asked. @source story-17.4 ADR-0007 */
export type CacheCommand =
  | { type: 'get'; id: number; keys: [category: string, key: string][] }
  | { type: 'set'; id: number; values: StoredValue[] }
  | { type: 'clear'; id: number; category: string }
  | { type: 'drop'; id: number; category: string; key: string }
  | { type: 'clean_up'; id: number }
  | { type: 'close'; id: number };

/**
 * What it answers. `values` are in the order of the keys; `evicted` counts values that had to go; `refused`: nothing was
 * written.
 * @source story-17.4 ADR-0007
 */
export type CacheReply =
  | { type: 'opened'; found: string; entries: number; bytes: number }
  | { type: 'values'; id: number; values: (FoundValue | undefined)[] }
  | { type: 'done'; id: number; evicted: number; entries: number; bytes: number }
  | { type: 'refused'; id: number; message: string }
  | { type: 'failed'; name: string; message: string; isRemoved: boolean };

/** Counting takes milliseconds in a full file; not after every write. */
const countEachMs = 5000;

/** The file was deleted or replaced: what is written to it from now on would never be found again. */
class CacheFileGone extends Error {
  override readonly name = 'CacheFileGone';
}

const port = parentPort;
if (!port) throw new Error('expected to run as a worker thread');
const send = (reply: CacheReply) => port.postMessage(reply);

const { file, bounds } = workerData as { file: string; bounds: CacheBounds };

/** A damaged file is removed: the next opening begins a new one. */
function fail(error: unknown): void {
  const { name, message } = error as Error;
  const isRemoved = isDamage(error) || error instanceof CacheFileGone;
  if (isDamage(error)) removeCacheFile(file);
  send({ type: 'failed', name, message, isRemoved });
  port?.close();
}

try {
  const { database, found } = CacheDatabase.open(file, bounds);
  const { ino } = statSync(file);
  let state = database.state();
  let countedAt = performance.now();
  send({ type: 'opened', found, ...state });
  const isTimeToLook = () => performance.now() - countedAt > countEachMs;
  const assertStillThere = () => {
    if (statSync(file, { throwIfNoEntry: false })?.ino === ino) return;
    // Closed at once: later it would take what lies beside a new file of this name for its own.
    database.close();
    throw new CacheFileGone('the cache file was deleted, or another one put in its place');
  };
  const run = (command: CacheCommand) => {
    let evicted = 0;
    switch (command.type) {
      case 'get':
        send({
          type: 'values',
          id: command.id,
          values: command.keys.map(([category, key]) => database.get(category, key)),
        });
        return;
      case 'set':
        if (isTimeToLook()) assertStillThere();
        evicted = database.set(command.values);
        break;
      case 'clear':
        database.clear(command.category);
        break;
      case 'drop':
        database.drop(command.category, command.key);
        break;
      case 'clean_up':
        assertStillThere();
        evicted = database.cleanUp();
        break;
      case 'close':
        database.close();
        send({ type: 'done', id: command.id, evicted, ...state });
        port.close();
        return;
    }
    if (command.type !== 'set' || isTimeToLook()) {
      state = database.state();
      countedAt = performance.now();
    }
    send({ type: 'done', id: command.id, evicted, ...state });
  };
  port.on('message', (command: CacheCommand) => {
    try {
      run(command);
    } catch (error) {
      const isWrite = command.type !== 'get' && command.type !== 'close';
      if (!isWrite || isDamage(error) || error instanceof CacheFileGone) fail(error);
      else send({ type: 'refused', id: command.id, message: (error as Error).message });
    }
  });
} catch (error) {
  fail(error);
}
