import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { etagOf } from '../../../src/canvases/document/etag.js';
import { openJournal } from '../../../src/canvases/journal/journal.js';
import { childProgram } from '../../support/child-program.js';
import { temporaryFolder } from '../../support/folder.js';

const childFile = await childProgram(new URL('appending-child.ts', import.meta.url));
const rounds = 5;

/** Runs a child until it has said `lines` lines about its writes, kills it, and returns all that it said. */
async function killedChild(folder: string, first: number, lines: number): Promise<string[][]> {
  const child: ChildProcess = spawn(process.execPath, [childFile, folder, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said: string[][] = [];
  let left = lines;
  const reader = createInterface({ input: child.stdout! });
  reader.on('line', (line) => {
    said.push(line.split(' '));
    if (line.startsWith('acked')) left -= 1;
    if (left === 0) child.kill('SIGKILL');
  });
  await Promise.all([once(child, 'exit'), once(reader, 'close')]);
  expect(child.signalCode).toBe('SIGKILL');
  return said;
}

test('a process killed again and again while it appends never loses what it had acknowledged', {
  timeout: 60_000,
}, async () => {
  const folder = await temporaryFolder();
  const acked = new Map<string, number>();
  const sent = new Map<string, number>();
  const settled = new Map<string, number>();
  const books: Record<string, Map<string, number>> = { acked, sent, settled };
  for (let round = 0; round < rounds; round += 1) {
    for (const [word = '', path = '', number] of await killedChild(folder, round * 100_000, 20 + round * 97)) {
      books[word]?.set(path, Number(number));
    }
    const { journal, recovered, damage } = await openJournal({ folder, etagOf });
    await journal.close();
    expect(damage.filter(({ path }) => path !== undefined)).toEqual([]);
    for (const [path, number] of acked) {
      const found = recovered.find((canvas) => canvas.path === path);
      if (!found && settled.get(path) === number) continue;
      expect(found?.kind, `${path}: acknowledged ${number}`).toBe('put');
      const value: number = found?.kind === 'put' ? JSON.parse(found.bytes.toString()).number : -1;
      expect(value).toBeGreaterThanOrEqual(number);
      expect(value).toBeLessThanOrEqual(sent.get(path) ?? -1);
    }
  }
  expect(acked.size).toBe(16);
});
