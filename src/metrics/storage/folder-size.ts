import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';

/**
 * Bytes of all files under a folder; files that go meanwhile count nothing, and a folder that is not there is empty. One
 * file after another: nobody waits for the sum, and the disk has other work.
 * @throws the system's error for a folder that may not be read
 * @source POSIX, du(1)
 */
export async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(orGone);
  let bytes = 0;
  for (const entry of entries ?? []) {
    const inside = path.join(folder, entry.name);
    if (entry.isDirectory()) bytes += await folderBytes(inside);
    else if (entry.isFile()) bytes += (await stat(inside).catch(orGone))?.size ?? 0;
  }
  return bytes;
}

function orGone(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
