import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Ground, hasTool, isRoot } from './service.js';

const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });

/** Runs something that needs tools and rights; answers why it cannot be done here, or undefined. */
function whyNot(what: string, tools: [string, ...string[]][], probe: (folder: string) => void): string | undefined {
  if (!isRoot) return `needs root, to ${what}`;
  for (const [tool, ...args] of tools) if (!hasTool(tool, ...args)) return `needs ${tool}, to ${what}`;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'clb-probe-'));
  try {
    probe(folder);
    return undefined;
  } catch (error) {
    return `could not ${what}: ${String((error as { stderr?: Buffer }).stderr ?? error).trim()}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Why no file system can be mounted here; undefined when it can. */
export const whyNoMount = (): string | undefined =>
  whyNot('mount a file system', [['mount', '--version']], (folder) => {
    run('mount', '-t', 'tmpfs', '-o', 'size=64k', 'clb-faults', folder);
    run('umount', folder);
  });

/** Why no power cut can be played here; undefined when it can. */
export const whyNoPowerCut = (): string | undefined =>
  whyNot(
    'cut the power of a file-system image',
    [
      ['mkfs.ext4', '-V'],
      ['xfs_io', '-V'],
    ],
    (folder) => {
      const image = path.join(folder, 'probe.img');
      const mounted = path.join(folder, 'probe');
      makeImage(image, 4 * 1024 * 1024);
      mkdirSync(mounted);
      run('mount', '-o', 'loop', image, mounted);
      try {
        run('xfs_io', '-x', '-c', 'shutdown', mounted);
      } finally {
        run('umount', mounted);
      }
    },
  );

function makeImage(image: string, bytes: number): void {
  writeFileSync(image, '');
  truncateSync(image, bytes);
  run('mkfs.ext4', '-q', '-F', image);
}

function mountAt(ground: Ground, folder: string, ...args: string[]): void {
  mkdirSync(folder, { recursive: true });
  run('mount', ...args, folder);
  ground.undo(() => {
    try {
      run('umount', '-l', folder);
    } catch {
      // Unmounted by the scenario itself.
    }
  });
}

export function mountMemory(ground: Ground, folder: string, bytes: number): void {
  mountAt(ground, folder, '-t', 'tmpfs', '-o', `size=${bytes}`, 'clb-faults');
}

/** Makes a folder a mount of its own, which can be made read-only while the rest is not. */
export function bindOntoItself(ground: Ground, folder: string): void {
  mountAt(ground, folder, '--bind', folder);
}

export function remount(folder: string, mode: 'ro' | 'rw', isBind: boolean): void {
  run('mount', '-o', `remount,${mode}${isBind ? ',bind' : ''}`, folder);
}

export const bytesLeft = (folder: string): number => {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
};

/** Fills a file system until so many bytes are left (to a page), or none: the service may be writing meanwhile. */
export function fillUpTo(folder: string, left: number): void {
  const filler = path.join(folder, 'filler');
  try {
    writeFileSync(filler, '');
    const wanted = bytesLeft(folder) - left;
    if (wanted > 0) writeFileSync(filler, Buffer.alloc(wanted, 1));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

export const freeAgain = (folder: string): void => truncateSync(path.join(folder, 'filler'), 0);

/** An ext4 file system in a file; what was not synced is gone after `cut`. */
export interface DiskImage {
  readonly folder: string;
  /** The power goes: from here on nothing reaches the disk, and nothing unsynced had. */
  cut(): void;
  /** The power is back. Nothing may be open on it. */
  mountAgain(): void;
}

export function mountImage(ground: Ground, name: string): DiskImage {
  const image = path.join(ground.folder, `${name}.img`);
  const folder = path.join(ground.folder, name);
  makeImage(image, 128 * 1024 * 1024);
  const mount = () => mountAt(ground, folder, '-o', 'loop', image);
  mount();
  return {
    folder,
    cut: () => void run('xfs_io', '-x', '-c', 'shutdown', folder),
    mountAgain: () => {
      run('umount', folder);
      mount();
    },
  };
}
