/** The load that other processes really make, as the scheduler sees it. */
import { spawn } from 'node:child_process';
import os from 'node:os';
import { expect, it, onTestFinished } from 'vitest';
import { openCgroup } from '../../../src/scheduler/load/cgroup.js';
import { openCpuSignal } from '../../../src/scheduler/load/cpu-signal.js';
import { openMemorySignal } from '../../../src/scheduler/load/memory-signal.js';
import { eventually } from '../../support/eventually.js';
import { openTasks, openTestScheduler } from '../open-test-scheduler.js';
import { limitedChild, noGroup } from './limited-group.js';

const limitBytes = 96 * 1024 * 1024;
const lookMs = 250;

/** A scheduler that had time to rise, with more to do than it may. */
async function risenScheduler() {
  const opened = openTestScheduler();
  const tasks = openTasks(opened.scheduler);
  for (let i = 0; i < 100; i++) tasks.run({ name: `task ${i}` });
  for (let i = 0; i < 40; i++) await opened.clock.advance(lookMs);
  expect(opened.scheduler.state().limit).toBe(50);
  return opened;
}

it("a process in a control group of the kernel is measured against that group's limit", async ({ skip }) => {
  const child = await limitedChild(limitBytes);
  if (!child) return skip(noGroup);
  await child.hold(32);
  const cgroup = openCgroup(child.folders);
  const memory = cgroup.memory();
  cgroup.close();
  expect(memory?.limitBytes).toBe(limitBytes);
  expect(memory?.usedBytes).toBeGreaterThan(32 * 2 ** 20);
  expect(memory?.usedBytes).toBeLessThan(limitBytes);
});

it('a child that fills the memory of its control group halves the limit of the scheduler beside it', async ({
  skip,
}) => {
  const child = await limitedChild(limitBytes);
  if (!child) return skip(noGroup);
  const signal = openMemorySignal(child.folders, () => 0);
  onTestFinished(() => signal.close());
  const { scheduler, clock, load } = await risenScheduler();
  load.memory = () => signal.read(clock.now()) ?? 0;
  await clock.advance(lookMs);
  expect(scheduler.state()).toMatchObject({ limit: 50 });
  while ((signal.read(clock.now()) ?? 0) < 0.87) await child.hold(4);
  await clock.advance(lookMs);
  expect(scheduler.state()).toMatchObject({ limit: 25, reason: 'memory' });
});

it('children that keep every core busy halve the limit of the scheduler beside them', async () => {
  const signal = openCpuSignal();
  onTestFinished(() => signal.close());
  const { scheduler, clock, load } = await risenScheduler();
  for (let core = 0; core < os.availableParallelism(); core++) {
    const child = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
    onTestFinished(() => void child.kill('SIGKILL'));
  }
  let busy = 0;
  await eventually(() => {
    busy = signal.read(performance.now()) ?? 0;
    expect(busy).toBeGreaterThan(0.8);
  });
  load.cpu = busy;
  await clock.advance(lookMs);
  expect(scheduler.state()).toMatchObject({ limit: 25, reason: 'cpu' });
});
