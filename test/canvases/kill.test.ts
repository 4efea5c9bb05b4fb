import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { childProgram } from '../support/child-program.js';
import { temporaryFolder } from '../support/folder.js';
import { canvasBytes } from './support/canvas-bytes.js';
import { openTestCanvases } from './support/open-test-canvases.js';

const childFile = await childProgram(new URL('saving-child.ts', import.meta.url));

/** Runs a child until it has acknowledged so many saves, kills it, and returns all that it said. */
async function killedAfter(acks: number, folders: string[], first: number): Promise<string[][]> {
  const child = spawn(process.execPath, [childFile, ...folders, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const said: string[][] = [];
  let left = acks;
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line.split(' '));
    if (line.startsWith('acked')) left -= 1;
    if (left === 0) child.kill('SIGKILL');
  }
  expect((await exited)[1]).toBe('SIGKILL');
  return said;
}

const numberIn = (bytes: Buffer) =>
  Number((JSON.parse(bytes.toString()) as { nodes: { text: string }[] }).nodes[0]?.text);

it('a process killed while eight writers save loses nothing that it had acknowledged', {
  timeout: 90_000,
}, async () => {
  const vaultDir = await temporaryFolder();
  const dataDir = await temporaryFolder();
  const acked = new Map<string, number>();
  const sent = new Map<string, number>();
  for (const [round, acks] of [40, 333, 700].entries()) {
    for (const [word, canvas = '', number] of await killedAfter(acks, [vaultDir, dataDir], round * 100_000)) {
      (word === 'sent' ? sent : acked).set(canvas, Number(number));
    }
    const { canvases } = await openTestCanvases(true, { vaultDir, dataDir });
    await canvases.flush();
    expect(acked.size).toBe(8);
    for (const [canvas, number] of acked) {
      const { body } = await canvases.read(canvas, {});
      const found = numberIn(body!);
      expect(found, canvas).toBeGreaterThanOrEqual(number);
      expect(found, canvas).toBeLessThanOrEqual(sent.get(canvas)!);
      expect(readFileSync(path.join(vaultDir, canvas)), canvas).toEqual(canvasBytes(String(found), 40));
      expect((await canvases.versions(canvas)).length).toBeLessThanOrEqual(50);
    }
    await canvases.close();
  }
});
