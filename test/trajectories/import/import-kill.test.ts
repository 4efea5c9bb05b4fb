import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../support/folder.js';
import { openTestImports } from './open.js';
import { formats, rawRecords, storedRows } from './records.js';

const child = new URL('./import-child.ts', import.meta.url).pathname;
const text = `${formats.lines!(rawRecords(2000))}broken\n${formats.lines!(rawRecords(5))}`;

/** A process that imports `text` and is killed once it has printed a line of this kind so many times. */
async function killedAfter(dataDir: string, kind: string, times: number): Promise<string | undefined> {
  const started = spawn(process.execPath, ['--import', 'tsx', child, dataDir], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(started, 'exit');
  started.stdin.end(text);
  let seen = 0;
  let taskId: string | undefined;
  for await (const line of createInterface(started.stdout)) {
    if (line.startsWith('accepted ')) taskId = line.slice('accepted '.length);
    if (line.startsWith(kind)) seen += 1;
    if (seen === times) started.kill('SIGKILL');
  }
  expect((await exited)[1]).toBe('SIGKILL');
  return taskId;
}

/** Starting a process that reads TypeScript takes its time on a busy machine. */
const timeout = 60_000;

it.each([
  ['accepted', 1],
  ['committed', 2],
])(
  'an import killed after "%s" %d times is completed by the next process, no row lost or doubled',
  async (kind, times) => {
    const dataDir = await temporaryFolder();
    const taskId = await killedAfter(dataDir, kind, times);
    const { imports, lanceUri } = await openTestImports(dataDir);
    expect(await imports.finished(taskId!)).toMatchObject({
      ...{ status: 'completed', imported_count: 2000, failed_count: 1, skipped_count: 5 },
      errors: [expect.stringMatching(/^Line 2001: /)],
    });
    await imports.close();
    const ids = (await storedRows(lanceUri)).map((row) => row.trajectory_id);
    expect(ids).toHaveLength(2000);
    expect(new Set(ids).size).toBe(2000);
  },
  timeout,
);
