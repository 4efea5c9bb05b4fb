import { constants } from 'node:fs';
import { open, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { importFileNotFound } from './errors.js';
import type { FileIdentity } from './source/source.js';

/**
 * Finds a file that a client names, inside the configured folders only. Links are followed first, so that one leading
 * outside is outside; what was opened is what was checked.
 * @param given absolute, or relative to one of the folders
 * @throws Problem IMPORT_FILE_NOT_FOUND, the same for missing, outside and no regular file
 * @source product contract, Trajectories ("from-path only inside configured folders")
 */
export async function findImportFile(folders: readonly string[], given: string): Promise<FileIdentity> {
  if (given.includes('\0')) throw importFileNotFound();
  for (const folder of folders) {
    const found = await regularFileInside(folder, path.resolve(folder, given)).catch(() => undefined);
    if (found) return found;
  }
  throw importFileNotFound();
}

async function regularFileInside(folder: string, file: string): Promise<FileIdentity | undefined> {
  const realFolder = await realpath(folder);
  const realFile = await realpath(file);
  if (!realFile.startsWith(realFolder.endsWith(path.sep) ? realFolder : realFolder + path.sep)) return undefined;
  const handle = await open(realFile, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const opened = await handle.stat({ bigint: true });
    if (!opened.isFile()) return undefined;
    const again = await stat(await realpath(file), { bigint: true });
    if (again.ino !== opened.ino || again.dev !== opened.dev) return undefined;
    return {
      path: realFile,
      bytes: Number(opened.size),
      mtimeNs: String(opened.mtimeNs),
      inode: String(opened.ino),
    };
  } finally {
    await handle.close();
  }
}
