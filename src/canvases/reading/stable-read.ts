/**
 * Reads a file so that what comes out was its whole contents at one moment, also while another program rewrites it in
 * place: looks at it before and after, and waits a little while it changes or holds no JSON. Between two pieces of such
 * an edit the head can be new, the tail old, and both together JSON; so bytes that nobody knows yet count only once they
 * have stood still for a moment. It never changes anything, never follows a link, and never opens what could block (a
 * pipe, a device).
 */
import fs, { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { type Clock, pause } from '../clock.js';
import { etagOf } from '../document/etag.js';
import { leadsNowhere, maxCanvasBytes, readFailure } from '../errors.js';
import { changedAgoMs, sameStamp } from '../vault/file-stamp.js';
import { openFolder } from '../vault/vault-folder.js';
import type { VaultPath } from '../vault/vault-path.js';
import { type FileState, type StoredCanvas, storedCanvas } from './stored-canvas.js';

/** The system's times are some ms behind. */
const usualSettlingMs = 50;

/**
 * Waits before each try, in ms. `whole`: for a file that is being changed, enough for an editor that writes in pieces;
 * `settled`: only for new bytes that may be half of an edit; `none`: for nothing.
 */
const triesMs = { whole: [0, 10, 20, 40, 80, 160], settled: [0, 0, 0, 0], none: [0] };
/** A file that nobody touched for so long is not about to be completed. */
const stillMs = 1000;
const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** What is no larger, and was read or written a moment ago, is read in less time than another thread takes to do it. */
const smallBytes = 64 * 1024;

const openLater = promisify(fs.open);
const readLater = promisify(fs.read);

/**
 * What a read needs: the vault (absolute, without links), the clock, and who says what is JSON. `isWhole` says of a version
 * that the service stored it itself, so that it cannot be half of another program's edit. For `settlingMs` (50 by default)
 * nobody may have touched a file with other new bytes.
 * @source product contract, Promises 2
 */
export interface StableReadOptions {
  root: string;
  clock: Clock;
  isJson(bytes: Buffer, etag: string): boolean;
  isWhole?(text: string, etag: string): boolean;
  settlingMs?: number | undefined;
}

async function readWhole(descriptor: number, size: number, atOnce: boolean): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(size);
  let filled = 0;
  while (filled < size) {
    const bytesRead =
      atOnce && size <= smallBytes
        ? readSync(descriptor, bytes, filled, size - filled, filled)
        : (await readLater(descriptor, bytes, filled, size - filled, filled)).bytesRead;
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

async function openFile(root: string, path: VaultPath, atOnce: boolean): Promise<number | undefined> {
  try {
    const folder = openFolder(root, path.folders);
    try {
      const address = folder.at(path.name);
      return atOnce ? openSync(address, openFlags) : await openLater(address, openFlags);
    } finally {
      folder.close();
    }
  } catch (error) {
    if (leadsNowhere(error)) return undefined;
    throw error;
  }
}

async function readOnce(
  { root, clock, isJson }: StableReadOptions,
  path: VaultPath,
  known: StoredCanvas | undefined,
): Promise<FileState> {
  const atOnce = known !== undefined && known.bytes.length <= smallBytes;
  const file = await openFile(root, path, atOnce);
  if (file === undefined) return { kind: 'missing' };
  try {
    const stamp = fstatSync(file, { bigint: true });
    if (!stamp.isFile()) return { kind: 'missing' };
    const size = Number(stamp.size);
    const modifiedMs = Number(stamp.mtimeNs / 1_000_000n);
    if (size > maxCanvasBytes) return { kind: 'too_large', size, stamp, modifiedMs };
    const bytes = await readWhole(file, size, atOnce);
    const wallMs = clock.wall();
    if (!sameStamp(stamp, fstatSync(file, { bigint: true })) || bytes.length !== size) return { kind: 'changing' };
    if (known?.bytes.equals(bytes)) return storedCanvas(known.bytes, known.etag, stamp, wallMs);
    const etag = etagOf(bytes);
    if (isJson(bytes, etag)) return storedCanvas(bytes, etag, stamp, wallMs);
    return { kind: 'invalid', etag, stamp, modifiedMs };
  } finally {
    closeSync(file);
  }
}

/**
 * Reads a canvas file. Where its bytes are those of `known`, they are answered as the same Buffer, without being
 * hashed or parsed again.
 * @param patience what to wait for: a file that is being changed (390 ms at most), or new bytes to settle (150 ms at most)
 * @throws Problem VAULT_UNAVAILABLE when the system refuses
 * @source product contract, Promises 2; Settled details ("503 with Retry-After while it changes")
 */
export async function readStable(
  options: StableReadOptions,
  path: VaultPath,
  known?: StoredCanvas,
  patience: keyof typeof triesMs = 'whole',
): Promise<FileState> {
  const { clock, isWhole, settlingMs = usualSettlingMs } = options;
  /** The version that was there at the last try, if it was not sure to be whole. */
  let doubtful: string | undefined;
  try {
    for (const tryMs of triesMs[patience]) {
      const delayMs = doubtful === undefined ? tryMs : Math.max(tryMs, settlingMs);
      if (delayMs > 0) await pause(clock, delayMs);
      const state = await readOnce(options, path, known);
      if (state.kind === 'missing' || state.kind === 'too_large') return state;
      if (state.kind === 'canvas') {
        const { bytes, etag } = state;
        if (bytes === known?.bytes || etag === doubtful || isWhole?.(path.text, etag)) return state;
        if (changedAgoMs(state.stamp, clock.wall()) >= settlingMs) return state;
        doubtful = etag;
        continue;
      }
      if (state.kind === 'invalid' && changedAgoMs(state.stamp, clock.wall()) >= stillMs) return state;
      if (patience === 'settled') break;
      doubtful = undefined;
    }
    return { kind: 'changing' };
  } catch (error) {
    throw readFailure(error);
  }
}
