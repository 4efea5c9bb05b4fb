import { etagOf } from '../../../src/canvases/document/etag.js';
import type { CanvasEvent } from '../../../src/canvases/index.js';
import { parseVaultPath } from '../../../src/canvases/vault/vault-path.js';
import type { Preconditions } from '../../../src/canvases/writing/preconditions.js';
import { WriteQueue } from '../../../src/canvases/writing/write-queue.js';
import type { WriteRequest } from '../../../src/canvases/writing/write-request.js';
import { Problem } from '../../../src/errors.js';
import { createLogger } from '../../../src/logger.js';
import { fixedOptimization } from '../../support/optimization.js';
import { ManualClock } from './manual-clock.js';
import { MemoryFiles } from './memory-files.js';
import { MemoryJournal } from './memory-journal.js';

export const bytesOf = (text: string) => Buffer.from(`{"v":"${text}"}`);
export const etagFor = (text: string) => etagOf(bytesOf(text));

/** What the files and the journal throw when there is no room. */
export const storageFull = () =>
  new Problem({ code: 'STORAGE_FULL', kind: 'storage_full', message: 'no room', cause: new Error('ENOSPC') });

/** The writers over files and a journal in memory; canvases are told apart by a short text. */
export function openTestQueue(enabled: boolean, maxPendingBytes = 1_000_000) {
  const files = new MemoryFiles();
  const journal = new MemoryJournal();
  const clock = new ManualClock();
  const flag = fixedOptimization(enabled, { window_ms: 100, max_delay_ms: 500, max_pending_bytes: maxPendingBytes });
  const events: CanvasEvent[] = [];
  const stored: string[] = [];
  const overwritten: string[] = [];
  const logged: string[] = [];
  const logger = createLogger('info', { write: (line: string) => logged.push(line) } as never);
  const queue = new WriteQueue({
    files,
    journal,
    flag,
    clock,
    logger,
    onStored: (path, before, after) => stored.push(`${path} ${before.kind} ${after.kind}`),
    onMoved: (from, to) => stored.push(`${from} moved ${to}`),
    onOverwritten: (path) => overwritten.push(path),
    onEvent: (event) => events.push(event),
  });
  const write = (change: WriteRequest['change'], conditions: Preconditions, path: string) => {
    const done = queue.write({ path: parseVaultPath(path), change, conditions });
    done.catch(() => {});
    return done;
  };
  return {
    files,
    journal,
    clock,
    flag,
    events,
    stored,
    overwritten,
    logged,
    queue,
    put: (text: string, conditions: Preconditions = {}, path = 'a.canvas') =>
      write({ kind: 'put', bytes: bytesOf(text), etag: etagFor(text) }, conditions, path),
    edit: (apply: (text: string) => string, conditions: Preconditions = {}, path = 'a.canvas', heldBytes = 0) =>
      write(
        {
          kind: 'edit',
          heldBytes,
          apply: (current) => {
            const bytes = bytesOf(apply((JSON.parse(current.toString()) as { v: string }).v));
            return { bytes, etag: etagOf(bytes) };
          },
        },
        conditions,
        path,
      ),
    remove: (conditions: Preconditions = {}, path = 'a.canvas') => write({ kind: 'delete' }, conditions, path),
    move: (from: string, to: string, conditions: Preconditions = {}) =>
      queue.move({ from: parseVaultPath(from), to: parseVaultPath(to), conditions }),
    inFile: (path = 'a.canvas') => textIn(files.contents.get(path)?.bytes),
    seen: (path = 'a.canvas') => {
      const newest = queue.unwritten.newest(path);
      if (newest) return newest.kind === 'canvas' ? textIn(newest.bytes) : undefined;
      return textIn(files.contents.get(path)?.bytes);
    },
  };
}

const textIn = (bytes: Buffer | undefined) =>
  bytes === undefined ? undefined : (JSON.parse(bytes.toString()) as { v: string }).v;
