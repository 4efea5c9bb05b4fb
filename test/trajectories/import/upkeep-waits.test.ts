import { writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { openTestApp } from '../../support/app.js';
import { rawRecords } from './records.js';

it('no index is built while an import runs, though upkeep was called for; all are once it has ended', async () => {
  // A commit for each row: it lasts.
  const flags = (indexes: boolean) =>
    `enabled: true\nbatch_import:\n  enabled: false\nscalar_indexes:\n  enabled: ${indexes}\n`;
  const { server, flagsFile, reload } = await openTestApp({ flags: flags(false) });
  const payload = rawRecords(300)
    .map((record) => JSON.stringify(record))
    .join('\n');
  const headers = { 'content-type': 'application/x-ndjson' };
  const accepted = await server.inject({ method: 'POST', url: '/api/import', payload, headers });
  const { task_id } = accepted.json() as { task_id: string };
  const taskNow = async () =>
    (await server.inject(`/api/import/status/${task_id}`)).json() as { status: string; imported_count: number };
  const built = async () =>
    /canvas_table_upkeep_seconds_count\{[^}]*task="index"[^}]*\} [1-9]/.test((await server.inject('/metrics')).body);

  await expect.poll(async () => (await taskNow()).imported_count, { interval: 5, timeout: 10_000 }).toBeGreaterThan(0);
  await writeFile(flagsFile, flags(true));
  // Indexes are due from here on.
  reload();
  let looks = 0;
  for (let isBuilt = await built(); (await taskNow()).status === 'processing'; isBuilt = await built()) {
    // It was so before the status was asked for.
    expect(isBuilt).toBe(false);
    looks += 1;
    // Answers from memory would keep the import from going on.
    await new Promise(setImmediate);
  }
  expect((await taskNow()).status).toBe('completed');
  expect(looks).toBeGreaterThan(10);
  await expect.poll(built, { timeout: 10_000 }).toBe(true);
});
