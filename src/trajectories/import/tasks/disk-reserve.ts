import { statfs } from 'node:fs/promises';

/** Imports, edits and the upkeep of the tables need space too; of a small disk less is kept. */
const maxReserveBytes = 512 * 1024 * 1024;
const maxReserveShare = 0.05;

/**
 * Bytes that uploads may take on the disk of a folder: a reserve is left for what was accepted.
 * @returns not above 0 when the reserve is all there is; Infinity when the disk cannot be asked
 * @source product contract, Promises 1 and 6; statfs(2)
 */
export async function spaceForUploads(folder: string): Promise<number> {
  const disk = await statfs(folder).catch(() => undefined);
  if (!disk) return Number.POSITIVE_INFINITY;
  const { bavail, blocks, bsize } = disk;
  return bavail * bsize - Math.min(maxReserveBytes, blocks * bsize * maxReserveShare);
}
