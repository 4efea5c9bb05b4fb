import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openOnDataFolder } from '../../../src/canvases/holding/data-folder.js';
import { lockFolder } from '../../../src/canvases/holding/folder-lock.js';
import { createLogger } from '../../../src/logger.js';
import { temporaryFolder } from '../../support/folder.js';

const logger = createLogger('silent');
const foldersIn = (dataDir: string) => ({ dataDir, temporaryDir: path.join(dataDir, '.temporary') });
const open = (dataDir: string, close = async () => {}) =>
  openOnDataFolder(foldersIn(dataDir), logger, async () => ({ close }));

test('a data folder is made, held until all of it is closed, and refused to others before they open anything', async () => {
  const dataDir = path.join(await temporaryFolder(), 'data');
  const opened = await open(dataDir, async () => {
    await expect(open(dataDir)).rejects.toThrow(`The data folder ${dataDir} is in use by process ${process.pid}`);
  });
  const never = () => expect.fail('opened a folder of another process');
  await expect(openOnDataFolder(foldersIn(dataDir), logger, never)).rejects.toThrow(
    'give this one another data folder',
  );
  await opened.close();
  expect(await readdir(dataDir)).toEqual([]);
});

test('a start that fails, and a stop that fails, let go of the data folder', async () => {
  const dataDir = await temporaryFolder();
  const fail = async () => {
    throw new Error('no table');
  };
  await expect(openOnDataFolder(foldersIn(dataDir), logger, fail)).rejects.toThrow('no table');
  const opened = await open(dataDir, fail);
  await expect(opened.close()).rejects.toThrow('no table');
  expect(await readdir(dataDir)).toEqual([]);
});

test('a vault may be its own data folder', async () => {
  const dataDir = await temporaryFolder();
  const opened = await open(dataDir);
  const vault = await lockFolder({ kind: 'vault', folder: dataDir });
  await vault.release();
  await opened.close();
});

test('temporary files of a process that was killed are gone before anything is opened, and those of this one at its end', async () => {
  const dataDir = await temporaryFolder();
  const { temporaryDir } = foldersIn(dataDir);
  await mkdir(path.join(temporaryDir, '.tmpX1'), { recursive: true });
  await writeFile(path.join(temporaryDir, '.tmpX1', 'index'), 'left over');
  const opened = await openOnDataFolder(foldersIn(dataDir), logger, async () => {
    expect(await readdir(temporaryDir)).toEqual([]);
    await writeFile(path.join(temporaryDir, 'mine'), 'x');
    return { close: async () => expect(await readdir(temporaryDir)).toEqual(['mine']) };
  });
  await opened.close();
  expect(await readdir(dataDir)).toEqual([]);
});
