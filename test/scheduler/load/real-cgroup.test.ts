import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { kernelFolders, openCgroup } from '../../../src/scheduler/load/cgroup.js';
import { temporaryFolder } from '../../support/folder.js';

const limitBytes = 96 * 1024 * 1024;
const isUnified = existsSync(path.join(kernelFolders.cgroup, 'cgroup.controllers'));
const group = path.join(kernelFolders.cgroup, isUnified ? '' : 'memory', `canvas-test-${process.pid}`);

/** A group of the kernel's own with a limit; undefined where this user may not make one. */
async function limitedGroup(): Promise<string | undefined> {
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

it("a process in a control group of the kernel is measured against that group's limit", async ({ skip }) => {
  const folder = await limitedGroup();
  if (folder === undefined) {
    skip('no control group can be made here: that takes root and a writable /sys/fs/cgroup');
    return;
  }
  // The group's own memory: as much as this process holds and touches.
  const holds =
    'const held = Buffer.alloc(32 * 2 ** 20, 1); process.stdout.write("held"); process.stdin.on("end", () => process.exit(held[0] - 1)).resume()';
  const child = spawn('/bin/sh', [
    '-c',
    `echo $$ > "${folder}/cgroup.procs" && exec "$0" -e "$1"`,
    process.execPath,
    holds,
  ]);
  onTestFinished(async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  await once(child.stdout, 'data');
  // As the child sees it: its own line of /proc/<pid>/cgroup, and the kernel's folders as they are.
  const proc = await temporaryFolder();
  await mkdir(path.join(proc, 'self'));
  await writeFile(path.join(proc, 'self/cgroup'), await readFile(`/proc/${child.pid}/cgroup`));
  const cgroup = openCgroup({ proc, cgroup: kernelFolders.cgroup });
  const memory = cgroup.memory();
  cgroup.close();
  child.stdin.end();
  await once(child, 'exit');
  expect(memory?.limitBytes).toBe(limitBytes);
  expect(memory?.usedBytes).toBeGreaterThan(32 * 2 ** 20);
  expect(memory?.usedBytes).toBeLessThan(limitBytes);
});
