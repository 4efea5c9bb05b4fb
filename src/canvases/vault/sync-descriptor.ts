import { fsync } from 'node:fs';
import { promisify } from 'node:util';

/**
 * Makes what was written through an open descriptor durable, a file's bytes or a folder's entries.
 * After a failure the descriptor must not be synced again: the system may have dropped the bytes and would say yes.
 * @source fsync(2)
 */
export const syncDescriptor: (descriptor: number) => Promise<void> = promisify(fsync);
