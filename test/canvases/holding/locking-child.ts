/**
 * Waits for a line on standard input, tries to lock the vault of its first argument, says `locked` or `refused <pid>`,
 * and keeps the lock until it is told to release it by a second line, or killed.
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { FolderInUse, lockFolder } from '../../../src/canvases/holding/folder-lock.js';

const lines = createInterface({ input: process.stdin });
process.stdout.write('ready\n');
await once(lines, 'line');
const released = once(lines, 'line');
try {
  const lock = await lockFolder({ kind: 'vault', folder: process.argv[2] ?? '' });
  process.stdout.write('locked\n');
  await released;
  await lock.release();
  process.stdout.write('released\n');
} catch (error) {
  if (!(error instanceof FolderInUse)) throw error;
  process.stdout.write(`refused ${error.pid}\n`);
}
process.exit(0);
