import { expect, test } from 'vitest';
import type { InBackground } from '../../../../src/scheduler/index.js';
import { eventually } from '../../../support/eventually.js';
import { temporaryFolder } from '../../../support/folder.js';
import { openTestImports, pieces, skip } from '../open.js';
import { formats, rawRecords, storedRows } from '../records.js';

const small = formats.lines!(rawRecords(5));

/** Turns that the test gives, or refuses. */
function heldTurns() {
  const waiting: { name: string | undefined; give(): void; refuse(): void }[] = [];
  const inBackground: InBackground = async (work, { name, signal } = {}) => {
    await new Promise<void>((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason));
      waiting.push({ name, give: resolve, refuse: () => reject(new Error('no room')) });
    });
    return work(signal!);
  };
  return { waiting, inBackground };
}

async function open(dataDir?: string) {
  const turns = heldTurns();
  const folder = dataDir ?? (await temporaryFolder());
  const opened = await openTestImports(folder, { inBackground: turns.inBackground });
  const accept = async () =>
    (await opened.imports.accept(await opened.imports.receive(pieces(small), false), skip)).task_id;
  return { ...opened, ...turns, accept, folder };
}

test('an import waits for its turn under its id', async () => {
  const { imports, waiting, accept } = await open();
  const id = await accept();
  expect(waiting.map(({ name }) => name)).toEqual([id]);
  expect(await imports.status(id)).toMatchObject({ status: 'pending' });
  waiting[0]?.give();
  expect(await imports.finished(id)).toMatchObject({ status: 'completed', imported_count: 5 });
  await imports.close();
});

test('one that is cancelled while it waits never begins, and the next one gets the turn', async () => {
  const { imports, waiting, accept, lanceUri } = await open();
  const [first, second] = [await accept(), await accept()];
  expect(await imports.cancel(first)).toMatchObject({ status: 'cancelled', message: 'Cancelled before it began' });
  await eventually(() => expect(waiting).toHaveLength(2));
  expect(waiting[1]?.name).toBe(second);
  expect(await storedRows(lanceUri)).toEqual([]);
  waiting[1]?.give();
  expect(await imports.finished(second)).toMatchObject({ status: 'completed' });
  await imports.close();
});

test('a stop of the service leaves one that waits to the next start', async () => {
  const { imports, accept, folder } = await open();
  const id = await accept();
  const finished = imports.finished(id);
  await imports.close();
  expect(await finished).toMatchObject({ status: 'pending' });
  const again = await openTestImports(folder);
  expect(await again.imports.finished(id)).toMatchObject({ status: 'completed', imported_count: 5 });
  await again.imports.close();
});

test('one that is refused a turn runs all the same: it was accepted', async () => {
  const { imports, waiting, accept } = await open();
  const id = await accept();
  waiting[0]?.refuse();
  expect(await imports.finished(id)).toMatchObject({ status: 'completed' });
  await imports.close();
});
