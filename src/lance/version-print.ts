import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

const largestVersion = 2n ** 64n - 1n;

/**
 * A print of one version of a table: two versions with equal prints are the same version of the same table, also after
 * a restart, after newer versions were lost, or after a folder was replaced by another one.
 * @param folder of the table
 * @returns undefined when the version is not there (any more)
 * @source Lance format specification, "Manifest" (it names every data file, and their names are never used twice)
 */
export async function versionPrint(folder: string, version: number): Promise<string | undefined> {
  for (const name of [largestVersion - BigInt(version), version]) {
    try {
      const manifest = await readFile(path.join(folder, '_versions', `${name}.manifest`));
      return createHash('sha256').update(manifest).digest('hex');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return undefined;
}
