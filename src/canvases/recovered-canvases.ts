/**
 * What a start does with what the journal gave back: first it looks whether other programs overwrote what our files
 * held, then it brings the acknowledged versions to their files, and at last the versions that were overwritten unseen
 * to the history.
 */
import type { Logger } from '../logger.js';
import { leadsNowhere, maxCanvasBytes } from './errors.js';
import { etagOfFile, isRegularFile } from './history/files/held-file.js';
import type { History } from './history/history.js';
import type { JournalledVersion, RecoveredCanvas } from './journal/journal.js';
import { Limit } from './limit.js';
import type { KnownFiles } from './vault/ownership/known-files.js';
import { openFolder } from './vault/vault-folder.js';
import { findVaultPath, type VaultPath } from './vault/vault-path.js';
import type { MovingFiles } from './writing/canvas-move.js';
import type { UnwrittenCanvases } from './writing/unwritten-canvases.js';

const filesAtOnce = 8;

async function etagInVault(root: string, path: VaultPath): Promise<string | undefined> {
  try {
    const folder = openFolder(root, path.folders);
    try {
      const address = folder.at(path.name);
      return isRegularFile(address) ? await etagOfFile(address, maxCanvasBytes) : undefined;
    } finally {
      folder.close();
    }
  } catch (error) {
    if (leadsNowhere(error)) return undefined;
    throw error;
  }
}

/**
 * What the vault's files held when the journal last heard of them: of those that are otherwise now, the history gets our
 * version; of all, it is known again that it was ours.
 * @returns the canvases that are still as we wrote them
 * @source product contract, Settled details ("What an outside program overwrites after an acknowledged write ...")
 */
export async function keepWhatFilesLost(
  root: string,
  written: readonly JournalledVersion[],
  known: KnownFiles,
  history: History,
  logger: Logger,
): Promise<string[]> {
  const untouched: string[] = [];
  const limit = new Limit(filesAtOnce);
  const look = async ({ path: text, bytes, etag }: JournalledVersion) => {
    const path = findVaultPath(text);
    if (!path) return;
    known.remember([[text, etag]]);
    try {
      if ((await etagInVault(root, path)) === etag) {
        untouched.push(text);
        return;
      }
      await history.keepBytes(text, bytes, { etag, origin: 'api', created: Date.now(), isUnseen: true });
      await history.sync(text);
    } catch (error) {
      logger.warn({ canvas: text, err: error }, 'what another program overwrote while we were away could not be kept');
    }
  };
  await Promise.all(written.map((version) => limit.run(() => look(version))));
  return untouched;
}

/**
 * Writes what a dead process had acknowledged. What cannot be written now stays acknowledged: it is served from memory
 * and tried again. Without moves all of it is acknowledged again before this gives way for the first time; a move is
 * ended in order, the canvas being at its new path first, then gone from the old one.
 * @source product contract, Promises 1
 */
export async function writeRecovered(
  recovered: readonly RecoveredCanvas[],
  unwritten: UnwrittenCanvases,
  files: Pick<MovingFiles, 'renaming'>,
  history: History,
  logger: Logger,
): Promise<void> {
  if (recovered.length === 0) return;
  const moves = recovered.flatMap(({ path: to, movedFrom, kind }) =>
    kind === 'put' ? movedFrom.map((from) => ({ from, to })) : [],
  );
  const moveHistories = async () => {
    for (const { from, to } of moves) await history.move(from, to);
  };
  if (moves.length > 0) {
    // Not taken back: a file that cannot be written now is tried again.
    for (const { from, to } of moves) letRename(files, from, to);
    await moveHistories();
    for (const canvas of recovered) if (canvas.kind === 'put') recover(canvas, unwritten, recovered);
    await unwritten.flush();
  }
  for (const canvas of recovered) {
    if (canvas.kind === 'delete' || moves.length === 0) recover(canvas, unwritten, recovered);
  }
  const written = await unwritten.flush();
  await moveHistories();
  logger.warn({ canvases: recovered.length, written }, 'wrote what a dead process had acknowledged to its files');
}

function letRename(files: Pick<MovingFiles, 'renaming'>, from: string, to: string): void {
  const [source, target] = [findVaultPath(from), findVaultPath(to)];
  if (source && target) files.renaming(source, target);
}

function recover(canvas: RecoveredCanvas, unwritten: UnwrittenCanvases, all: readonly RecoveredCanvas[]): void {
  const path = findVaultPath(canvas.path);
  if (!path) return;
  if (canvas.kind === 'put') {
    const { bytes, etag, knownEtags } = canvas;
    unwritten.recover(path, { kind: 'canvas', bytes, etag, modifiedMs: Date.now(), isDurable: true }, knownEtags);
    return;
  }
  const moved = all.find(({ kind, movedFrom }) => kind === 'put' && movedFrom.includes(canvas.path));
  unwritten.recover(path, { kind: 'missing' }, canvas.knownEtags, moved?.kind === 'put' ? moved.etag : undefined);
}
