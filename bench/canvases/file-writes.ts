import { watch } from 'node:fs';
import { writtenBytes } from '../support/process-usage.js';
import type { Service } from '../support/service.js';

/**
 * What a service wrote, seen from outside: how often a canvas file was put in place, and the bytes the process handed to
 * write calls.
 * @source story-17.4 AC2
 */
export interface FileWrites {
  fileWrites: number;
  writtenBytes: number;
}

/**
 * Counts the writes to canvas files by the renames that the kernel reports for the vault (every write of a canvas ends
 * in one), and takes the bytes from the kernel's account of the process.
 * @source inotify(7), IN_MOVED_TO; proc_pid_io(5)
 */
export async function countFileWrites(service: Service, work: () => Promise<void>): Promise<FileWrites> {
  let fileWrites = 0;
  const watcher = watch(service.vaultDir, (event, fileName) => {
    if (event === 'rename' && fileName?.endsWith('.canvas')) fileWrites += 1;
  });
  const bytesBefore = writtenBytes(service.pid);
  await work();
  const bytes = writtenBytes(service.pid) - bytesBefore;
  // Events of what is done already are read by the loop before the next timer.
  await new Promise((resolve) => setTimeout(resolve, 50));
  watcher.close();
  return { fileWrites, writtenBytes: bytes };
}
