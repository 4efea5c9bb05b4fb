import { lstatSync, unlinkSync, writeFileSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../../src/canvases/clock.js';
import { etagOf } from '../../../../src/canvases/document/etag.js';
import { type LinkFile, systemLink } from '../../../../src/canvases/history/files/held-file.js';
import type { OwnCopies } from '../../../../src/canvases/history/own-copies.js';
import { replaceFile } from '../../../../src/canvases/vault/atomic-file.js';
import { KnownFiles } from '../../../../src/canvases/vault/ownership/known-files.js';
import { ReplacedVersions } from '../../../../src/canvases/vault/ownership/replaced-versions.js';
import { openRoot } from '../../../../src/canvases/vault/vault-folder.js';
import { parseVaultPath } from '../../../../src/canvases/vault/vault-path.js';
import { createLogger } from '../../../../src/logger.js';
import { keptVault } from '../../history/kept-vault.js';

const canvas = 'a.canvas';
const before = Buffer.from('before');
const path = parseVaultPath(canvas);
const noCopies = { etagOf: () => undefined } as unknown as OwnCopies;

/** A canvas that the service has stored; what another program does comes right before its file is linked. */
async function stored(edit: (times: number) => void, isRemembered = true) {
  let times = 0;
  const link: LinkFile = async (from, to) => {
    times += 1;
    edit(times);
    await systemLink(from, to);
  };
  const kept = await keptVault({ link });
  const folder = openRoot(kept.vault);
  kept.write(canvas, before.toString());
  const events: string[] = [];
  const known = new KnownFiles();
  known.stored(canvas, lstatSync(kept.at(canvas), { bigint: true }), etagOf(before));
  const replaced = new ReplacedVersions({
    history: kept.history,
    copies: noCopies,
    known,
    bytesOf: (_, etag) => (etag === etagOf(before) && isRemembered ? before : undefined),
    onConflict() {},
    clock: systemClock,
    logger: createLogger('silent'),
    onEvent: ({ type }) => events.push(type),
  });
  onTestFinished(async () => {
    await replaced.close();
    folder.close();
  });
  const replace = () =>
    replaced.keeping(path, kept.at(canvas), {}, (hold) => replaceFile(folder, canvas, Buffer.from('ours'), hold));
  return { kept, events, replace };
}

it('what is deleted before it can be held is kept from memory', async () => {
  const { kept, replace } = await stored(() => unlinkSync(kept.at(canvas)));
  await replace();
  expect(kept.text(canvas)).toBe('ours');
  expect(await kept.texts(canvas)).toEqual(['before']);
});

it('what is deleted and made anew before it can be held is kept twice: as it was, and as it is', async () => {
  const { kept, replace } = await stored((times) => {
    if (times > 1) return;
    unlinkSync(kept.at(canvas));
    writeFileSync(kept.at(canvas), 'theirs');
  });
  await replace();
  expect(kept.text(canvas)).toBe('ours');
  expect((await kept.texts(canvas)).sort()).toEqual(['before', 'theirs']);
});

it('what nobody else touches is kept once', async () => {
  const { kept, replace } = await stored(() => {});
  await replace();
  expect(await kept.texts(canvas)).toEqual(['before']);
});

it('what nobody has any more is told', async () => {
  const { kept, events, replace } = await stored(() => unlinkSync(kept.at(canvas)), false);
  await replace();
  expect(await kept.texts(canvas)).toEqual([]);
  expect(events).toEqual(['version_missing']);
});
