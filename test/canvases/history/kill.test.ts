import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { etagOf } from '../../../src/canvases/document/etag.js';
import { openHistory } from '../../../src/canvases/history/open-history.js';
import { childProgram } from '../../support/child-program.js';
import { temporaryFolder } from '../../support/folder.js';

const childFile = await childProgram(new URL('writing-child.ts', import.meta.url));
const rounds = 3;

/** Runs a child until it has said `lines` numbers, kills it, and returns the last one. */
async function killedChild(vault: string, folder: string, lines: number): Promise<number> {
  const child = spawn(process.execPath, [childFile, vault, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let last = 0;
  let left = lines;
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => {
    last = Number(line);
    left -= 1;
    if (left === 0) child.kill('SIGKILL');
  });
  await Promise.all([once(child, 'exit'), once(reader, 'close')]);
  expect(child.signalCode).toBe('SIGKILL');
  return last;
}

test('a process killed again and again while it writes leaves every version it replaced, whole', {
  timeout: 60_000,
}, async () => {
  const root = await temporaryFolder();
  const [vault, folder] = [path.join(root, 'vault'), path.join(root, 'history')];
  await mkdir(vault);
  writeFileSync(path.join(vault, 'a.canvas'), '0 first');
  for (let round = 0; round < rounds; round += 1) {
    const last = await killedChild(vault, folder, 10 + round * 40);
    const history = await openHistory({ folder, maxVersions: 1e6, onEvent: () => {} });
    const current = Number(readFileSync(path.join(vault, 'a.canvas'), 'utf8').split(' ', 1)[0]);
    expect(current).toBeGreaterThanOrEqual(last);
    const numbers: number[] = [];
    for (const { id, etag, origin } of await history.list('a.canvas')) {
      const bytes = await history.read('a.canvas', id);
      expect(bytes && etagOf(bytes)).toBe(etag);
      expect(origin).toBe('api');
      numbers.push(Number(bytes?.toString().split(' ', 1)[0]));
    }
    await history.close();
    const wanted = Array.from({ length: current }, (_, number) => number).reverse();
    expect(numbers[0] === current ? numbers.slice(1) : numbers).toEqual(wanted);
  }
});
