import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { type KernelFolders, kernelFolders } from '../../../src/scheduler/load/cgroup.js';
import { temporaryFolder } from '../../support/folder.js';

const isUnified = existsSync(path.join(kernelFolders.cgroup, 'cgroup.controllers'));

/** A group of the kernel's own with a limit of memory; undefined where this user may not make one. */
async function limitedGroup(limitBytes: number): Promise<string | undefined> {
  const group = path.join(kernelFolders.cgroup, isUnified ? '' : 'memory', `canvas-test-${process.pid}`);
  try {
    await mkdir(group);
  } catch {
    return undefined;
  }
  onTestFinished(() => rmdir(group));
  try {
    await writeFile(path.join(group, isUnified ? 'memory.max' : 'memory.limit_in_bytes'), String(limitBytes));
    return group;
  } catch {
    return undefined;
  }
}

/** Why no child could be put into a group. */
export const noGroup = 'no control group can be made here: that takes root and a writable /sys/fs/cgroup';

/** A process in a group of its own. `hold` makes it take and touch more memory, and resolves when it has. */
export interface LimitedChild {
  /** The kernel's folders as the child sees them. */
  folders: KernelFolders;
  hold(mebibytes: number): Promise<void>;
}

const program = `
const held = [];
process.stdout.write('ready');
process.stdin.on('data', (text) => { held.push(Buffer.alloc(Number(text) * 2 ** 20, 1)); process.stdout.write('held'); });
process.stdin.on('end', () => process.exit(0));`;

/** Starts a process in a control group with a limit of memory; undefined where that cannot be. It ends with the test. */
export async function limitedChild(limitBytes: number): Promise<LimitedChild | undefined> {
  const group = await limitedGroup(limitBytes);
  if (group === undefined) return undefined;
  const child: ChildProcessWithoutNullStreams = spawn('/bin/sh', [
    '-c',
    `echo $$ > "${group}/cgroup.procs" && exec "$0" -e "$1"`,
    process.execPath,
    program,
  ]);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  await once(child.stdout, 'data');
  // Its own line of /proc/<pid>/cgroup as if it were the reader's.
  const proc = await temporaryFolder();
  await mkdir(path.join(proc, 'self'));
  await writeFile(path.join(proc, 'self/cgroup'), await readFile(`/proc/${child.pid}/cgroup`));
  return {
    folders: { proc, cgroup: kernelFolders.cgroup },
    async hold(mebibytes) {
      child.stdin.write(String(mebibytes));
      await once(child.stdout, 'data');
    },
  };
}
