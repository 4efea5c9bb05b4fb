import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { etagOf } from '../../../../src/canvases/document/etag.js';
import { ByteBudget } from '../../../../src/canvases/history/files/byte-budget.js';
import {
  type PackedVersion,
  readPacked,
  readPackIndex,
  rewritePack,
  writePack,
} from '../../../../src/canvases/history/files/version-pack.js';
import { temporaryFolder } from '../../../support/folder.js';

const idOf = (index: number) => index.toString(16).padStart(13, '0');
const versionsOf = (texts: readonly string[]) =>
  texts.map((text, index): PackedVersion => {
    const bytes = Buffer.from(text);
    return { id: idOf(index), created: index, origin: 'api', etag: etagOf(bytes), isUnseen: true, bytes };
  });

async function packOf(texts: readonly string[]): Promise<{ folder: string; file: string }> {
  const folder = await temporaryFolder();
  await writePack(folder, versionsOf(texts));
  return { folder, file: path.join(folder, readdirSync(folder)[0]!) };
}

const textAt = async (file: string, index: number) => (await readPacked(file, idOf(index)))?.toString();

/** That gives room as the true one does, and has the most that was promised at once. */
class WatchedBudget extends ByteBudget {
  most = 0;
  asked: number[] = [];
  #bytes = 0;

  override run<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    this.asked.push(bytes);
    return super.run(bytes, async () => {
      this.#bytes += bytes;
      this.most = Math.max(this.most, this.#bytes);
      return work().finally(() => {
        this.#bytes -= bytes;
      });
    });
  }
}

test('is laid out as it ever was: an index, then all middles deflated as one', async () => {
  const { file } = await packOf(['one node', 'two nodes', 'two nodes', '']);
  const bytes = readFileSync(file);
  const end = bytes.indexOf(10);
  const { versions } = JSON.parse(bytes.toString('utf8', 0, end)) as { versions: { middle: number }[] };
  expect(versions.map(({ middle }) => middle)).toEqual([8, 9, 0, 0]);
  const inOneGo = deflateRawSync(Buffer.from('one nodetwo nodes'), { level: 1 });
  writeFileSync(file, Buffer.concat([bytes.subarray(0, end + 1), inOneGo]));
  for (const [index, text] of ['one node', 'two nodes', 'two nodes', ''].entries()) {
    expect(await textAt(file, index)).toBe(text);
  }
  expect(await textAt(file, 4)).toBeUndefined();
});

test('what comes before a damage is read, what comes after it is not there', async () => {
  const text = (version: number) => `${version} `.repeat(version).padEnd(100_000, `${Math.sin(version)} `);
  const { file } = await packOf([1, 2, 3, 4].map(text));
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.subarray(0, bytes.length - 20));
  expect(await textAt(file, 0)).toBe(text(1));
  expect(await textAt(file, 3)).toBeUndefined();
});

test('bytes that are damaged anywhere give the true version or none, and no error', async () => {
  const texts = ['', 'a canvas', 'a canvas of two', 'another'];
  const { file } = await packOf(texts);
  const whole = readFileSync(file);
  const body = whole.indexOf(10) + 1;
  const damage = fc.record({ at: fc.nat(whole.length - 1), to: fc.integer({ min: 0, max: 255 }), length: fc.nat(40) });
  await fc.assert(
    fc.asyncProperty(damage, async ({ at, to, length }) => {
      const broken = Buffer.from(whole);
      broken[at] = to;
      writeFileSync(file, length < 20 ? broken : broken.subarray(0, Math.max(body, whole.length - length + 20)));
      for (const [index, text] of texts.entries()) expect([undefined, text]).toContain(await textAt(file, index));
    }),
    { seed: 7, numRuns: 60 },
  );
});

test('written anew it has what is wanted, under the ids that are given, and the old one stays', async () => {
  const { folder, file } = await packOf(['a', 'b', 'c']);
  const other = await temporaryFolder();
  expect(await rewritePack(file, other, (id) => (id === idOf(1) ? undefined : id.replace(/^0/, 'f')))).toBe(2);
  const anew = path.join(other, readdirSync(other)[0]!);
  expect((await readPackIndex(anew)).map(({ id }) => id)).toEqual(
    [idOf(0), idOf(2)].map((id) => id.replace(/^0/, 'f')),
  );
  expect((await readPacked(anew, idOf(2).replace(/^0/, 'f')))?.toString()).toBe('c');
  expect(await rewritePack(file, other, () => undefined)).toBe(0);
  expect(readdirSync(other)).toHaveLength(1);
  expect(readdirSync(folder)).toHaveLength(1);
});

test('an index of any length is read', async () => {
  const { file } = await packOf(Array.from({ length: 400 }, (_, index) => `text ${index}`));
  expect(readFileSync(file).indexOf(10)).toBeGreaterThan(2 * 16 * 1024);
  expect(await readPackIndex(file)).toHaveLength(400);
});

test('packs that are read and written anew all at once are unpacked within the budget, in turn', async () => {
  const { folder, file } = await packOf(Array.from({ length: 6 }, (_, index) => `${index}`.repeat(1000)));
  const largest = 2 * 6000 + 3 * 1000;
  const budget = new WatchedBudget(largest + 5000);
  const reads = Array.from({ length: 60 }, (_, index) => readPacked(file, idOf(index % 6), { budget }));
  const written = Array.from({ length: 3 }, () => rewritePack(file, folder, (id) => id, { budget }));
  const found = await Promise.all(reads);
  expect(found.map((bytes) => bytes?.toString()[0])).toEqual(found.map((_, index) => String(index % 6)));
  expect(await Promise.all(written)).toEqual([6, 6, 6]);
  expect(budget.asked).toHaveLength(63);
  expect(Math.max(...budget.asked)).toBe(largest);
  expect(budget.most).toBeLessThanOrEqual(largest + 5000);
  expect(budget.most).toBeGreaterThan(largest / 2);
});
