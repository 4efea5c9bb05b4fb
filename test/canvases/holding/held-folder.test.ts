import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { lockFolder, vaultLockName } from '../../../src/canvases/holding/folder-lock.js';
import { holdFolder } from '../../../src/canvases/holding/held-folder.js';
import { createLogger } from '../../../src/logger.js';
import { temporaryFolder } from '../../support/folder.js';
import { ManualClock } from '../support/manual-clock.js';

async function hold() {
  const vaultDir = await temporaryFolder();
  const clock = new ManualClock();
  let beat = () => {};
  let taken = 0;
  const letGo = await holdFolder({
    kind: 'vault',
    folder: vaultDir,
    clock,
    logger: createLogger('silent'),
    every: (_intervalMs, work) => {
      beat = work;
      return () => {};
    },
    onTaken: () => {
      taken += 1;
    },
  });
  return { vaultDir, clock, letGo, beat: () => beat(), taken: () => taken };
}

const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
};

it('takes the lock again when somebody removes it, and lets go of it in the end', async () => {
  const { vaultDir, letGo, beat, taken } = await hold();
  rmSync(path.join(vaultDir, vaultLockName));
  beat();
  await until(() => readdirSync(vaultDir).includes(vaultLockName));
  await expect(lockFolder({ kind: 'vault', folder: vaultDir })).rejects.toThrow('is in use');
  await letGo();
  expect(readdirSync(vaultDir)).toEqual([]);
  expect(taken()).toBe(0);
});

it('tries again while the vault itself is gone', async () => {
  const { vaultDir, clock, letGo, beat, taken } = await hold();
  rmSync(vaultDir, { recursive: true });
  beat();
  await clock.untilAwaited();
  writeFileSync(vaultDir, 'no folder');
  await clock.advance(1000);
  await clock.untilAwaited();
  await letGo();
  expect(taken()).toBe(0);
  expect(clock.timers).toBe(0);
});

it('says so when another process has the vault', async () => {
  const { vaultDir, letGo, beat, taken } = await hold();
  rmSync(path.join(vaultDir, vaultLockName));
  const other = await lockFolder({ kind: 'vault', folder: vaultDir });
  onTestFinished(() => other.release());
  beat();
  await until(() => taken() === 1);
  await letGo();
  await expect(lockFolder({ kind: 'vault', folder: vaultDir })).rejects.toThrow('is in use');
});
