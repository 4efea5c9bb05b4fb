import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

/**
 * Makes the entries of a folder survive a power cut.
 * @source fsync(2)
 */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes a small file so that after a crash or a power cut either the old or the new content is there, whole.
 * @throws NodeJS.ErrnoException; the old content is kept then and nothing is left behind
 * @source product contract, Promises 1
 */
export async function writeFileDurably(file: string, content: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  await syncFolder(path.dirname(file));
}

/**
 * Creates a folder and those above it, so that they survive a power cut.
 * @param mode of all that are created, less the process's mask
 * @source product contract, Promises 1
 */
export async function makeFolderDurably(folder: string, mode = 0o777): Promise<void> {
  const topmost = await mkdir(folder, { recursive: true, mode });
  if (topmost === undefined) return;
  for (let made = folder; made.length >= topmost.length; made = path.dirname(made)) {
    await syncFolder(path.dirname(made));
  }
}
