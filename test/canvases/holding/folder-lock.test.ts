import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../../src/canvases/clock.js';
import { type FolderLockOptions, lockFolder, vaultLockName } from '../../../src/canvases/holding/folder-lock.js';
import { describeSelf, type LockHolder } from '../../../src/canvases/holding/lock-holder.js';
import { childProgram } from '../../support/child-program.js';
import { temporaryFolder } from '../../support/folder.js';

const childFile = await childProgram(new URL('locking-child.ts', import.meta.url));

class Starter {
  readonly process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(vaultDir: string) {
    this.process = spawn(process.execPath, [childFile, vaultDir]);
    this.#lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
    onTestFinished(() => void this.process.kill('SIGKILL'));
  }

  async says(): Promise<string> {
    return (await this.#lines.next()).value;
  }

  go(): void {
    this.process.stdin.write('go\n');
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await once(this.process, 'exit');
  }
}

async function readyStarters(vaultDir: string, count: number): Promise<Starter[]> {
  const starters = Array.from({ length: count }, () => new Starter(vaultDir));
  for (const starter of starters) expect(await starter.says()).toBe('ready');
  return starters;
}

const race = (starters: Starter[]) => {
  for (const starter of starters) starter.go();
  return Promise.all(starters.map((starter) => starter.says()));
};

const leaveLock = (vaultDir: string, holder: Partial<LockHolder>) =>
  writeFile(path.join(vaultDir, vaultLockName), JSON.stringify({ ...describeSelf(), ...holder }));

/** A clock whose waits end at once, after `meanwhile`. */
const impatient = (meanwhile: () => Promise<unknown>, waits: number[] = []): Clock => ({
  now: () => 0,
  wall: () => 0,
  after: (delayMs, work) => {
    waits.push(delayMs);
    void meanwhile().then(work);
    return () => {};
  },
});

/** A lock whose heart beats when the test says so. */
async function lock(vaultDir: string, options: Partial<FolderLockOptions> = {}) {
  let beat = () => {};
  const held = await lockFolder({
    kind: 'vault',
    folder: vaultDir,
    every: (_, work) => {
      beat = work;
      return () => {};
    },
    ...options,
  });
  onTestFinished(() => held.release().catch(() => {}));
  return { held, beat: () => beat() };
}

test('the second process is refused and told the first by number, until the first releases', {
  timeout: 60_000,
}, async () => {
  const vaultDir = await temporaryFolder();
  const [first, second, third] = (await readyStarters(vaultDir, 3)) as [Starter, Starter, Starter];
  first.go();
  expect(await first.says()).toBe('locked');
  second.go();
  expect(await second.says()).toBe(`refused ${first.process.pid}`);
  await expect(lockFolder({ kind: 'vault', folder: vaultDir })).rejects.toThrow(
    `is in use by process ${first.process.pid} on host`,
  );
  first.go();
  expect(await first.says()).toBe('released');
  expect(await readdir(vaultDir)).toEqual([]);
  third.go();
  expect(await third.says()).toBe('locked');
});

test('of five that start at once over the lock of a killed process, one wins', { timeout: 60_000 }, async () => {
  const vaultDir = await temporaryFolder();
  let previous: Starter | undefined;
  for (let round = 0; round < 2; round += 1) {
    const starters = await readyStarters(vaultDir, 5);
    await previous?.kill();
    const said = await race(starters);
    const winner = starters[said.indexOf('locked')];
    expect(said.filter((line) => line === 'locked').length).toBe(1);
    expect(said.filter((line) => line === `refused ${winner?.process.pid}`).length).toBe(4);
    previous = winner;
  }
  expect(await readdir(vaultDir)).toEqual([vaultLockName]);
});

test('forty attempts at once in one process over one dead lock have one winner', async () => {
  for (let round = 0; round < 10; round += 1) {
    const vaultDir = await temporaryFolder();
    await leaveLock(vaultDir, { startTime: 'long ago' });
    const attempts = await Promise.allSettled(Array.from({ length: 40 }, () => lock(vaultDir)));
    expect(attempts.filter(({ status }) => status === 'fulfilled').length).toBe(1);
    const held = JSON.parse(await readFile(path.join(vaultDir, vaultLockName), 'utf8'));
    const winner = attempts.find((attempt) => attempt.status === 'fulfilled');
    expect(held.token).toBe(winner?.status === 'fulfilled' && winner.value.held.holder.token);
  }
});

test('a process number that another program has now does not protect a lock', async () => {
  const vaultDir = await temporaryFolder();
  await leaveLock(vaultDir, { startTime: '1' });
  await lock(vaultDir);
});

test('a successor that died before it was done is succeeded in turn', async () => {
  const vaultDir = await temporaryFolder();
  const dead = { ...describeSelf(), startTime: '1' };
  await leaveLock(vaultDir, dead);
  await writeFile(
    path.join(vaultDir, `${vaultLockName}.after-${dead.token}`),
    JSON.stringify({ ...dead, token: describeSelf().token }),
  );
  await lock(vaultDir);
  expect(await readdir(vaultDir)).toEqual([vaultLockName]);
});

test('a holder in another container is alive while its heart beats, and dead when it is silent', async () => {
  const vaultDir = await temporaryFolder();
  const elsewhere = { ...describeSelf(), pidNamespace: 'pid:[1]', host: 'other' };
  const { held, beat } = await lock(vaultDir, { self: elsewhere });
  const file = path.join(vaultDir, vaultLockName);
  const waits: number[] = [];
  const beating = impatient(async () => {
    const before = (await readLockTime(file)) as bigint;
    while ((await readLockTime(file)) === before) beat();
  }, waits);
  await expect(lockFolder({ kind: 'vault', folder: vaultDir, clock: beating, silenceMs: 5000 })).rejects.toThrow(
    'on host other',
  );
  expect(waits).toEqual([5000]);
  const other = await lock(vaultDir, { clock: impatient(async () => {}) });
  await held.release();
  expect(JSON.parse(await readFile(file, 'utf8')).token).toBe(other.held.holder.token);
});

async function readLockTime(file: string): Promise<bigint | undefined> {
  const { readLock } = await import('../../../src/canvases/holding/lock-holder.js');
  await new Promise((resolve) => setImmediate(resolve));
  return (await readLock(file))?.mtimeNs;
}

test('a lock from before a restart of the machine that has long been silent is taken without waiting', async () => {
  const vaultDir = await temporaryFolder();
  await leaveLock(vaultDir, { bootId: 'an earlier start' });
  await utimes(path.join(vaultDir, vaultLockName), 1_000_000, 1_000_000);
  const never: Clock = { now: () => 0, wall: () => 0, after: () => expect.fail('nothing to wait for') };
  await lock(vaultDir, { clock: never });
});

test('an unreadable lock is waited for, then taken; a link in its place is replaced, never followed', async () => {
  const vaultDir = await temporaryFolder();
  const file = path.join(vaultDir, vaultLockName);
  const outside = path.join(await temporaryFolder(), 'outside');
  await writeFile(outside, 'not yours');
  for (const make of [() => writeFile(file, ''), () => symlink(outside, file)]) {
    await make();
    const { held } = await lock(vaultDir, { clock: impatient(async () => {}) });
    expect(JSON.parse(await readFile(file, 'utf8')).token).toBe(held.holder.token);
    await held.release();
  }
  expect(await readFile(outside, 'utf8')).toBe('not yours');
});

test('a holder whose lock is gone or taken is told once, and does not remove the lock of another', async () => {
  const vaultDir = await temporaryFolder();
  const file = path.join(vaultDir, vaultLockName);
  let lost = 0;
  const { promise, resolve } = withResolvers();
  const onLost = () => {
    lost += 1;
    resolve();
  };
  const first = await lock(vaultDir, { onLost });
  await unlink(file);
  const second = await lock(vaultDir);
  first.beat();
  await promise;
  await first.held.release();
  expect(lost).toBe(1);
  expect(JSON.parse(await readFile(file, 'utf8')).token).toBe(second.held.holder.token);
});

function withResolvers() {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

test('a vault that cannot take the lock says why', async () => {
  const vaultDir = await temporaryFolder();
  await mkdir(path.join(vaultDir, vaultLockName));
  await expect(lock(vaultDir, { clock: impatient(async () => {}) })).rejects.toMatchObject({ code: 'EISDIR' });
  await expect(lock(path.join(vaultDir, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' });
});
