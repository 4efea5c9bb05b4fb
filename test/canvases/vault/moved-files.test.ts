/** What another program does to a canvas while it is moved. */
import { existsSync, linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../../src/canvases/clock.js';
import { etagOf } from '../../../src/canvases/document/etag.js';
import { folderNameOf } from '../../../src/canvases/history/files/version-folder.js';
import type { OwnCopies } from '../../../src/canvases/history/own-copies.js';
import { FileReader } from '../../../src/canvases/reading/canvas-reader.baseline.js';
import { VaultFiles } from '../../../src/canvases/vault/vault-files.js';
import { parseVaultPath } from '../../../src/canvases/vault/vault-path.js';
import { createLogger } from '../../../src/logger.js';
import { keptVault } from '../history/kept-vault.js';

/** Whether the vault's file system knows second names, and what comes right before it is asked. */
const vault = vi.hoisted(() => ({ refusesLinks: false, beforeLink: () => {} }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  return {
    ...real,
    link: async (from: string, to: string) => {
      vault.beforeLink();
      if (vault.refusesLinks) throw Object.assign(new Error('links are refused'), { code: 'EPERM' });
      return real.link(from, to);
    },
  };
});

const [from, to] = [parseVaultPath('a.canvas'), parseVaultPath('b.canvas')];
const ours = Buffer.from('{"by":"us"}');
const theirs = '{"by":"them"}';

/** A vault with one canvas of ours; `beforeHolding` comes right before the old name's file is held. */
async function stored(
  beforeHolding: (at: (name: string) => string) => void,
  { vaultLinks = true, historyLinks = true } = {},
) {
  const kept = await keptVault({
    link: async (source, target) => {
      beforeHolding(kept.at);
      if (!historyLinks) throw Object.assign(new Error('links are refused'), { code: 'EXDEV' });
      linkSync(source, target);
    },
  });
  kept.at = kept.at.bind(kept);
  vault.refusesLinks = !vaultLinks;
  onTestFinished(() => {
    vault.beforeLink = () => {};
  });
  const conflicts: string[] = [];
  const files = new VaultFiles({
    root: kept.vault,
    reader: new FileReader({ root: kept.vault, clock: systemClock, isJson: () => true }),
    history: kept.history,
    copies: { etagOf: () => undefined, remove: async () => {} } as unknown as OwnCopies,
    bytesOf: (_text, etag) => (etag === etagOf(ours) ? ours : undefined),
    onWritten() {},
    onConflict: (_text, etag) => conflicts.push(etag),
    clock: systemClock,
    logger: createLogger('silent'),
    onEvent() {},
    foldsNames: false,
  });
  onTestFinished(() => files.close());
  const work = { variant: 'optimized', requests: 1, isNew: true } as const;
  await files.replace(from, { bytes: ours, etag: etagOf(ours) }, work);
  return { kept, files, conflicts };
}

const renameOnto = (name: string) => (at: (name: string) => string) => {
  writeFileSync(at('.theirs'), theirs);
  renameSync(at('.theirs'), at(name));
};
let isFirst = true;
const once = (work: (at: (name: string) => string) => void) => {
  isFirst = true;
  return (at: (name: string) => string) => {
    if (isFirst) work(at);
    isFirst = false;
  };
};

const ways = [
  { way: 'by a second name', vaultLinks: true, historyLinks: true },
  { way: 'by a second name, its history by copies', vaultLinks: true, historyLinks: false },
  { way: 'by a copy', vaultLinks: false, historyLinks: true },
  { way: 'by a copy, its history by copies too', vaultLinks: false, historyLinks: false },
];

describe.each(ways)('a move $way', (links) => {
  it('leaves nothing in the history when nobody else comes', async () => {
    const { kept, files, conflicts } = await stored(() => {}, links);
    await files.move(from, to);
    expect(existsSync(kept.at('a.canvas'))).toBe(false);
    expect(kept.text('b.canvas')).toBe(`${ours}`);
    expect(await kept.texts('b.canvas')).toEqual([]);
    expect(conflicts).toEqual([]);
  });

  it('succeeds where its history cannot follow, whose versions stay under the old name', async () => {
    const { kept, files } = await stored(() => {}, links);
    await kept.history.keepBytes('a.canvas', Buffer.from('earlier'), { origin: 'api', created: 0 });
    const inTheWay = path.join(kept.folder, folderNameOf('b.canvas'));
    writeFileSync(inTheWay, 'no folder');
    await files.move(from, to);
    expect(existsSync(kept.at('a.canvas'))).toBe(false);
    expect(kept.text('b.canvas')).toBe(`${ours}`);
    rmSync(inTheWay);
    expect(await kept.texts('a.canvas')).toEqual(['earlier']);
  });

  it('keeps, and tells of, what another program renames onto the old name meanwhile', async () => {
    const { kept, files, conflicts } = await stored(once(renameOnto('a.canvas')), links);
    await files.move(from, to);
    expect(existsSync(kept.at('a.canvas'))).toBe(false);
    expect(kept.text('b.canvas')).toBe(`${ours}`);
    expect(await kept.texts('b.canvas')).toContain(theirs);
    expect(conflicts).toEqual([etagOf(Buffer.from(theirs))]);
  });

  it('keeps what is moved when another program renames something onto the new name meanwhile', async () => {
    const { kept, files } = await stored(once(renameOnto('b.canvas')), links);
    await files.move(from, to);
    expect(existsSync(kept.at('a.canvas'))).toBe(false);
    expect(kept.text('b.canvas')).toBe(theirs);
    expect(files.known.isOwn(to.text, undefined)).toBe(false);
    await files.keepOverwritten(to);
    expect(await kept.texts('b.canvas')).toEqual([`${ours}`]);
  });

  it('does not take what another program writes into the file meanwhile for its own', async () => {
    const { kept, files } = await stored(
      once((at) => writeFileSync(at('b.canvas'), theirs)),
      links,
    );
    await files.move(from, to);
    const current = await files.current(to);
    expect(current).toMatchObject({ kind: 'canvas', etag: etagOf(Buffer.from(theirs)), isDurable: false });
    await files.keepOverwritten(to);
    expect(await kept.texts('b.canvas')).toContain(`${ours}`);
  });
});

it('a move by a copy is refused, and undone, when another program makes the new name meanwhile', async () => {
  const { kept, files } = await stored(() => {}, { vaultLinks: false });
  vault.beforeLink = () => writeFileSync(kept.at('b.canvas'), theirs);
  await expect(files.move(from, to)).rejects.toMatchObject({ code: 'CANVAS_EXISTS' });
  expect(kept.text('a.canvas')).toBe(`${ours}`);
  expect(kept.text('b.canvas')).toBe(theirs);
});

it.each(ways)('a move $way that fails leaves the canvas at its old name alone', async (links) => {
  const { kept, files } = await stored(() => {
    throw Object.assign(new Error('no room'), { code: 'ENOSPC' });
  }, links);
  await expect(files.move(from, to)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
  expect(kept.text('a.canvas')).toBe(`${ours}`);
  expect(existsSync(kept.at('b.canvas'))).toBe(false);
});

it('a move that fails leaves both names to what another program made of them', async () => {
  const { kept, files } = await stored((at) => {
    renameOnto('a.canvas')(at);
    throw Object.assign(new Error('no room'), { code: 'ENOSPC' });
  });
  await expect(files.move(from, to)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
  expect(kept.text('a.canvas')).toBe(theirs);
  expect(kept.text('b.canvas')).toBe(`${ours}`);
});

it.each([
  { what: 'what was moved away is not kept', edit: () => {}, isKept: false },
  { what: 'what another program put in its place is kept', edit: renameOnto('a.canvas'), isKept: true },
])('ending a move: $what', async ({ edit, isKept }) => {
  const { kept, files } = await stored(once(edit));
  const work = { variant: 'optimized', requests: 1, isNew: false, movedEtag: etagOf(ours) } as const;
  writeFileSync(kept.at('b.canvas'), ours);
  await files.remove(from, work);
  const texts = await kept.texts('a.canvas');
  if (isKept) expect(texts).toContain(theirs);
  else expect(texts).toEqual([]);
});
