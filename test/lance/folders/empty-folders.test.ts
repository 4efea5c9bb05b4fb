import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { removeEmptyFolders } from '../../../src/lance/folders/empty-folders.js';
import { temporaryFolder } from '../../support/folder.js';

const minute = 60_000;

test('empty folders of indexes go once they are a minute old, others stay', async () => {
  const folder = await temporaryFolder();
  for (const name of ['empty', 'used']) mkdirSync(path.join(folder, '_indices', name), { recursive: true });
  mkdirSync(path.join(folder, 'data'));
  writeFileSync(path.join(folder, '_indices', 'used', 'page.lance'), 'x');
  expect(await removeEmptyFolders(folder)).toBe(0);
  expect(await removeEmptyFolders(folder, Date.now() + 2 * minute)).toBe(1);
  expect(readdirSync(path.join(folder, '_indices'))).toEqual(['used']);
  expect(readdirSync(folder).sort()).toEqual(['_indices', 'data']);
});

test('a table without indexes has nothing to remove', async () => {
  expect(await removeEmptyFolders(await temporaryFolder())).toBe(0);
});
