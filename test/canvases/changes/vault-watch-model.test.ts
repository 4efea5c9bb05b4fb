import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { startVaultWatch } from '../../../src/canvases/changes/vault-watch.js';
import { temporaryFolder } from '../../support/folder.js';
import { LaterClock } from './watched-vault.js';

/** The vault as another program left it: canvas to a number that grows with each write. */
type Model = Map<string, number>;

interface Step {
  what: 'write' | 'delete' | 'rename' | 'link' | 'moveFolder' | 'sweep';
  folder: string;
  toFolder: string;
  name: string;
  toName: string;
}

const folders = ['', 'x/', 'y/', 'x/z/'];
const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom('write', 'write', 'write', 'delete', 'rename', 'link', 'moveFolder', 'sweep'),
  folder: fc.constantFrom(...folders),
  toFolder: fc.constantFrom(...folders),
  name: fc.constantFrom('a.canvas', '二.canvas'),
  toName: fc.constantFrom('a.canvas', 'c.canvas'),
});

let writes = 0;

/** Does a step to the files and the model; what is impossible is left out. */
function perform(vault: string, model: Model, { what, folder, toFolder, name, toName }: Step): void {
  const from = `${folder}${name}`;
  const to = `${toFolder}${toName}`;
  const at = (file: string) => path.join(vault, file);
  for (const each of folders) mkdirSync(at(each), { recursive: true });
  if (what === 'write') {
    rmSync(at(from), { force: true });
    writeFileSync(at(from), 'same size');
    utimesSync(at(from), 1e9, 1e9);
    writes += 1;
    model.set(from, writes);
  } else if (what === 'delete') {
    rmSync(at(from), { force: true });
    model.delete(from);
  } else if (what === 'link') {
    rmSync(at(from), { force: true });
    symlinkSync('x', at(from));
    model.delete(from);
  } else if (what === 'rename' && model.has(from) && from !== to) {
    renameSync(at(from), at(to));
    writes += 1;
    model.set(to, writes);
    model.delete(from);
  } else if (what === 'moveFolder' && folder === 'x/') {
    rmSync(at('w'), { recursive: true, force: true });
    for (const file of model.keys()) if (file.startsWith('w/')) model.delete(file);
    renameSync(at('x'), at('w'));
    for (const [file, version] of [...model]) {
      if (!file.startsWith('x/')) continue;
      model.delete(file);
      model.set(file.replace('x/', 'w/'), version);
    }
  }
}

test('whatever other programs do, each sweep tells exactly what is different from the one before', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const vault = await temporaryFolder();
      const clock = new LaterClock();
      const model: Model = new Map();
      let told: string[] = [];
      const watch = await startVaultWatch({
        vaultDir: vault,
        clock,
        intervalMs: 1e9,
        maxWatchedFolders: 0,
        isOwn: () => false,
        onChange: ({ kind, path }) => told.push(`${kind} ${path}`),
      });
      let before: Model = new Map();
      for (const each of [...steps, { ...steps[0], what: 'sweep' } as Step]) {
        if (each.what !== 'sweep') {
          perform(vault, model, each);
          continue;
        }
        told = [];
        await watch.sweep();
        await clock.advance(1000);
        const expected = [...new Set([...before.keys(), ...model.keys()])].flatMap((file) => {
          if (before.get(file) === model.get(file)) return [];
          return [`${!model.has(file) ? 'deleted' : before.has(file) ? 'changed' : 'created'} ${file}`];
        });
        expect(told.sort()).toEqual(expected.sort());
        before = new Map(model);
      }
      await watch.close();
    }),
    { numRuns: 40, seed: 11 },
  );
});
