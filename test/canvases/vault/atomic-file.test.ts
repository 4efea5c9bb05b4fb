import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type HoldFile,
  removeFile,
  replaceFile,
  syncFile,
  temporaryFileOwner,
} from '../../../src/canvases/vault/atomic-file.js';
import { removeLeftovers } from '../../../src/canvases/vault/leftovers.js';
import { openRoot, prepareVault, type VaultFolder } from '../../../src/canvases/vault/vault-folder.js';
import { temporaryFolder } from '../../support/folder.js';

/** Where every open file gets its methods from, so that a fault can be put under the real code. */
async function fileMethods(): Promise<FileHandle> {
  const file = await open('/dev/null');
  await file.close();
  return Object.getPrototypeOf(file) as FileHandle;
}
const systemError = (code: string) => Object.assign(new Error(code), { code });

let vault: string;
let folder: VaultFolder;
let methods: FileHandle;
const fileOf = (name: string) => path.join(vault, name);
const read = (name = 'a.canvas') => readFileSync(fileOf(name), 'utf8');

beforeEach(async () => {
  vault = await temporaryFolder();
  folder = openRoot(vault);
  methods = await fileMethods();
});
afterEach(() => {
  folder.close();
  vi.restoreAllMocks();
});

describe('replacing a file', () => {
  it('stores all bytes and leaves nothing else', async () => {
    await replaceFile(folder, 'a.canvas', Buffer.from('one'));
    const stamp = await replaceFile(folder, 'a.canvas', Buffer.from('two'));
    expect(read()).toBe('two');
    expect(readdirSync(vault)).toEqual(['a.canvas']);
    const now = statSync(fileOf('a.canvas'), { bigint: true });
    expect(stamp).toMatchObject({ ino: now.ino, ctimeNs: now.ctimeNs, mtimeNs: now.mtimeNs });
  });

  it('goes on after a short write until every byte is there', async () => {
    const bytes = Buffer.from('0123456789'.repeat(100));
    const write = methods.write as (...args: unknown[]) => unknown;
    vi.spyOn(methods, 'write').mockImplementation(function (this: FileHandle, ...args: unknown[]) {
      const [buffer, offset, length, position] = args as [Buffer, number, number, number];
      return write.call(this, buffer, offset, Math.min(length, 7), position) as never;
    } as never);
    await replaceFile(folder, 'a.canvas', bytes);
    expect(readFileSync(fileOf('a.canvas'))).toEqual(bytes);
  });

  it('says that the disk is full when no byte is taken any more', async () => {
    writeFileSync(fileOf('a.canvas'), 'old');
    vi.spyOn(methods, 'write').mockResolvedValue({ bytesWritten: 0, buffer: Buffer.alloc(0) } as never);
    await expect(replaceFile(folder, 'a.canvas', Buffer.from('new'))).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(read()).toBe('old');
  });

  it.each([
    ['write', 'ENOSPC'],
    ['write', 'EIO'],
    ['sync', 'EIO'],
    ['chmod', 'EPERM'],
  ] as const)('leaves the old file and no temporary one when %s fails with %s', async (method, code) => {
    writeFileSync(fileOf('a.canvas'), 'old');
    // No file has this mode from its making.
    chmodSync(fileOf('a.canvas'), 0o1666);
    const faulty = vi.spyOn(methods, method).mockRejectedValue(systemError(code));
    await expect(replaceFile(folder, 'a.canvas', Buffer.from('new'))).rejects.toMatchObject({ code });
    expect(faulty).toHaveBeenCalledTimes(1);
    expect(read()).toBe('old');
    expect(readdirSync(vault)).toEqual(['a.canvas']);
    vi.restoreAllMocks();
    await replaceFile(folder, 'a.canvas', Buffer.from('new'));
    expect(read()).toBe('new');
  });

  it('syncs the file before it renames, and never after a failed sync', async () => {
    const order: string[] = [];
    const sync = methods.sync;
    vi.spyOn(methods, 'sync').mockImplementation(async function (this: FileHandle) {
      order.push(`sync:${readdirSync(vault).length}:${readdirSync(vault).includes('a.canvas')}`);
      await sync.call(this);
    });
    await replaceFile(folder, 'a.canvas', Buffer.from('x'));
    expect(order).toEqual(['sync:1:false']);
  });

  it('keeps the mode, and the owner when it may', async () => {
    writeFileSync(fileOf('a.canvas'), 'old');
    chmodSync(fileOf('a.canvas'), 0o640);
    const { uid, gid } = statSync(fileOf('a.canvas'));
    await replaceFile(folder, 'a.canvas', Buffer.from('new'));
    expect(statSync(fileOf('a.canvas'))).toMatchObject({ uid, gid });
    expect(statSync(fileOf('a.canvas')).mode & 0o7777).toBe(0o640);
  });

  it.each([0o600, 0o644, 0o666, 0o2755])('keeps the mode %o, whatever the process gives new files', async (mode) => {
    writeFileSync(fileOf('a.canvas'), 'old');
    chmodSync(fileOf('a.canvas'), mode);
    await replaceFile(folder, 'a.canvas', Buffer.from('new'));
    expect(statSync(fileOf('a.canvas')).mode & 0o7777).toBe(mode);
  });

  it('gives the new file to the owner of the old one, when it may', async ({ skip }) => {
    skip(process.getuid?.() !== 0, 'only root gives files away');
    writeFileSync(fileOf('a.canvas'), 'old');
    chownSync(fileOf('a.canvas'), 12345, 54321);
    chmodSync(fileOf('a.canvas'), 0o4640);
    await replaceFile(folder, 'a.canvas', Buffer.from('new'));
    const { uid, gid, mode } = statSync(fileOf('a.canvas'));
    expect([uid, gid, mode & 0o7777]).toEqual([12345, 54321, 0o4640]);
  });

  it('takes names of 255 bytes', async () => {
    const name = `${'a'.repeat(248)}.canvas`;
    await replaceFile(folder, name, Buffer.from('x'));
    expect(read(name)).toBe('x');
  });

  it('does not follow or replace a link, and replaces no folder', async () => {
    const outside = await temporaryFolder();
    writeFileSync(path.join(outside, 'canary'), 'canary');
    symlinkSync(path.join(outside, 'canary'), fileOf('l.canvas'));
    symlinkSync('nowhere', fileOf('d.canvas'));
    mkdirSync(fileOf('f.canvas'));
    for (const name of ['l.canvas', 'd.canvas', 'f.canvas']) {
      await expect(replaceFile(folder, name, Buffer.from('x'))).rejects.toMatchObject({ code: 'CANVAS_NOT_FOUND' });
      await expect(removeFile(folder, name)).rejects.toMatchObject({ code: 'CANVAS_NOT_FOUND' });
    }
    await expect(syncFile(folder, 'l.canvas')).rejects.toThrow();
    await expect(syncFile(folder, 'f.canvas')).rejects.toMatchObject({ code: 'CANVAS_NOT_FOUND' });
    expect(readFileSync(path.join(outside, 'canary'), 'utf8')).toBe('canary');
    expect(readdirSync(vault).sort()).toEqual(['d.canvas', 'f.canvas', 'l.canvas']);
  });

  it('writes where the folder went when a link takes its place meanwhile', async () => {
    const outside = await temporaryFolder();
    mkdirSync(fileOf('sub'));
    const sub = openRoot(fileOf('sub'));
    renameSync(fileOf('sub'), fileOf('moved'));
    symlinkSync(outside, fileOf('sub'));
    await replaceFile(sub, 'a.canvas', Buffer.from('x'));
    sub.close();
    expect(readdirSync(outside)).toEqual([]);
    expect(read('moved/a.canvas')).toBe('x');
  });
});

describe('a file that another program puts in place between holding the old one and taking its name away', () => {
  const ways = {
    replaceFile: (hold: HoldFile) => replaceFile(folder, 'a.canvas', Buffer.from('ours'), hold),
    removeFile: (hold: HoldFile) => removeFile(folder, 'a.canvas', hold),
  };
  const names = ['replaceFile', 'removeFile'] as const;
  let held: number;
  const link = () => {
    held += 1;
    linkSync(fileOf('a.canvas'), fileOf(`held-${held}`));
    return statSync(fileOf(`held-${held}`), { bigint: true }).ino;
  };
  const left = () => readdirSync(vault).map((name) => read(name));

  beforeEach(() => {
    held = 0;
    writeFileSync(fileOf('a.canvas'), 'before');
  });

  it.each(names.flatMap((name) => [0, 1, 2, 3, 4, 5, 6, 8].map((jobs) => [name, jobs] as const)))(
    'is held too, or stays: %s, %i jobs later',
    async (name, jobs) => {
      writeFileSync(fileOf('theirs.tmp'), 'theirs');
      let edited = Promise.resolve();
      await ways[name](async () => {
        const inode = link();
        if (held > 1) return inode;
        for (let i = 0; i < jobs; i++) edited = edited.then(() => {});
        edited = edited.then(() => renameSync(fileOf('theirs.tmp'), fileOf('a.canvas')));
        return inode;
      });
      await edited;
      expect(left()).toEqual(expect.arrayContaining(['before', 'theirs']));
    },
  );

  it.each(names)('is held too when it has the inode of one that was deleted: %s', async (name) => {
    let times = 0;
    await ways[name](async () => {
      times += 1;
      if (times > 1) return link();
      // The file system mostly gives the number to the next file at once.
      unlinkSync(fileOf('a.canvas'));
      writeFileSync(fileOf('a.canvas'), 'theirs');
      return undefined;
    });
    expect(left()).toContain('theirs');
  });

  it.each(names)('again and again stops what would take its name away: %s', async (name) => {
    const busy = ways[name](async () => {
      const inode = link();
      writeFileSync(fileOf('next'), `theirs, ${held}`);
      renameSync(fileOf('next'), fileOf('a.canvas'));
      return inode;
    });
    await expect(busy).rejects.toMatchObject({ code: 'CANVAS_BUSY' });
    expect(left().sort()).toEqual(['before', 'theirs, 1', 'theirs, 2', 'theirs, 3']);
  });
});

it('makes the vault with all its parents, and follows the link that leads to it', async () => {
  expect(await prepareVault(fileOf('x/y/z'))).toBe(await prepareVault(fileOf('x/y/z')));
  symlinkSync(fileOf('x/y'), fileOf('link'));
  expect(await prepareVault(fileOf('link/z'))).toMatch(/x\/y\/z$/);
});

describe('temporary files left behind', () => {
  const token = 'abcdef012345';
  it('are told from everything else', () => {
    expect(temporaryFileOwner(`.canvas-write-17-${token}-1.tmp`)).toEqual({ pid: 17, isOwn: false });
    for (const name of ['a.canvas', '.tmp', '.canvas-write-17.tmp', `.canvas-write-x-${token}-1.tmp`]) {
      expect(temporaryFileOwner(name)).toBeUndefined();
    }
  });

  it('are removed when their process is gone, had our number, or they are old', async () => {
    mkdirSync(fileOf('sub'));
    mkdirSync(fileOf('.git'));
    const gone = `.canvas-write-4194999-${token}-1.tmp`;
    const namesake = `.canvas-write-${process.pid}-${token}-1.tmp`;
    const alive = `.canvas-write-1-${token}-1.tmp`;
    for (const name of [gone, `sub/${namesake}`, alive, `.git/${gone}`, 'a.canvas', '.other.tmp']) {
      writeFileSync(fileOf(name), '');
    }
    symlinkSync('a.canvas', fileOf(`.canvas-write-4194999-${token}-2.tmp`));
    expect(await removeLeftovers(vault, Date.now())).toBe(2);
    expect(readdirSync(vault)).toContain(alive);
    expect(await removeLeftovers(vault, Date.now() + 2 * 3600_000)).toBe(1);
    expect(readdirSync(fileOf('.git'))).toEqual([gone]);
    expect(readdirSync(fileOf('sub'))).toEqual([]);
  });
});
