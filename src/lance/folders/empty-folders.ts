import { readdir, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';

/** Another thread may be about to write into a folder that it has just made. */
const minAgeMs = 60_000;

/**
 * Removes the empty folders that the removal of old versions leaves behind: one for each index of each version, so that
 * thousands pile up, and each walk over the table's files goes through them all.
 * @param folder of the table
 * @returns number of folders removed
 * @source Lance format specification, "Indices" (one folder each)
 */
export async function removeEmptyFolders(folder: string, nowMs = Date.now()): Promise<number> {
  const indices = path.join(folder, '_indices');
  const names = await readdir(indices).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  let removed = 0;
  for (const name of names) {
    const index = path.join(indices, name);
    try {
      if (nowMs - (await stat(index)).mtimeMs < minAgeMs) continue;
      await rmdir(index);
      removed += 1;
    } catch {
      // Not empty, as a rule; whatever else it is does no harm.
    }
  }
  return removed;
}
