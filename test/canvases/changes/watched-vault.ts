import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import type { VaultChange } from '../../../src/canvases/changes/known-canvases.js';
import {
  startVaultWatch,
  type VaultWatch,
  type VaultWatchEvent,
  type VaultWatchOptions,
} from '../../../src/canvases/changes/vault-watch.js';
import { temporaryFolder } from '../../support/folder.js';
import { ManualClock } from '../support/manual-clock.js';

const run = promisify(execFile);

/** A clock moved by hand whose date is always a second late: no file looks as if it were being changed right now. */
export class LaterClock extends ManualClock {
  override wall(): number {
    return Date.now() + 1000;
  }
}

/** Puts `a.canvas` and `work/b.canvas`, `work/deep/c.canvas` into a new vault. */
export async function makeVault(): Promise<string> {
  const vault = path.join(await temporaryFolder(), 'vault');
  await mkdir(path.join(vault, 'work/deep'), { recursive: true });
  for (const name of ['a', 'work/b', 'work/deep/c']) {
    await writeFile(path.join(vault, `${name}.canvas`), `{"nodes":[],"name":"${name}"}`);
  }
  return vault;
}

export interface WatchedVault {
  vault: string;
  clock: LaterClock;
  watch: VaultWatch;
  events: VaultWatchEvent[];
  /** Runs another program in the vault. */
  outside(script: string): Promise<void>;
  /** Sweeps, and takes what was reported since the last call, sorted: `changed a.canvas`. */
  reported(): Promise<string[]>;
}

export async function watchVault(options: Partial<VaultWatchOptions> = {}): Promise<WatchedVault> {
  const vault = options.vaultDir ?? (await makeVault());
  const clock = new LaterClock();
  const events: VaultWatchEvent[] = [];
  let changes: VaultChange[] = [];
  const watch = await startVaultWatch({
    vaultDir: vault,
    clock,
    maxWatchedFolders: 0,
    intervalMs: 1e9,
    isOwn: () => false,
    onChange: (change) => changes.push(change),
    onEvent: (event) => events.push(event),
    ...options,
  });
  onTestFinished(() => watch.close());
  return {
    vault,
    clock,
    watch,
    events,
    outside: async (script) => {
      await run('sh', ['-ec', script], { cwd: vault });
    },
    reported: async () => {
      await watch.sweep();
      await clock.advance(1000);
      const taken = changes.map(({ kind, path }) => `${kind} ${path}`).sort();
      changes = [];
      return taken;
    },
  };
}
