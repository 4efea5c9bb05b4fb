import fc from 'fast-check';
import { expect, test } from 'vitest';
import { etagOf } from '../../../src/canvases/document/etag.js';
import { JournalModel, runSession, smallJournal } from './journal-model.js';
import { drawFrom, MemoryDisk } from './memory-files.js';

const seeds = fc.integer({ min: 1, max: 2 ** 31 });
const kinds = fc.constantFrom('kill' as const, 'power' as const);

/** Runs until the disk is cut off after `units`, and returns what is left of it. */
async function crashed(model: JournalModel, disk: MemoryDisk, units: number, kind: 'kill' | 'power') {
  disk.unitsLeft = units;
  const { journal } = await smallJournal(disk);
  await runSession(model, journal, 30);
  await journal.close().catch(() => {});
  return disk.afterCrash(kind, model.draw);
}

test('a crash at any byte, kill or power cut, twice in a row, loses nothing acknowledged and invents nothing', async () => {
  const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(seeds, kinds, shares, async (seed, kind, crashes) => {
      const model = new JournalModel(drawFrom(seed));
      let disk = new MemoryDisk();
      for (const share of crashes) {
        disk = await crashed(model, disk, Math.floor(share ** 2 * 40_000), kind);
        const { journal, recovered } = await smallJournal(disk);
        model.judge(recovered, true);
        await journal.close();
        model.restart(recovered);
      }
    }),
    { numRuns: 250, seed: 11 },
  );
});

test('one run cut at hundreds of places recovers each time', async () => {
  const whole = new MemoryDisk();
  await crashed(new JournalModel(drawFrom(5)), whole, 1e9, 'kill');
  const total = whole.usedUnits;
  expect(total).toBeGreaterThan(10_000);
  for (let units = 0; units <= total; units += 131) {
    const model = new JournalModel(drawFrom(5));
    const { recovered } = await smallJournal(await crashed(model, new MemoryDisk(), units, 'kill'));
    model.judge(recovered, true);
  }
});

test('versions that the file may hold are known after a crash', async () => {
  await fc.assert(
    fc.asyncProperty(seeds, fc.nat(60_000), async (seed, units) => {
      const model = new JournalModel(drawFrom(seed));
      const { recovered } = await smallJournal(await crashed(model, new MemoryDisk(), units, 'kill'));
      model.judgeKnownEtags(recovered);
    }),
    { numRuns: 150, seed: 12 },
  );
});

test('short writes, full disks and failing syncs reject only their own callers, and what they reject stays away', async () => {
  const codes = ['ENOSPC', 'EIO', 'EDQUOT', 'EROFS'];
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const model = new JournalModel(drawFrom(seed));
      const disk = new MemoryDisk();
      const faults = drawFrom(seed + 1);
      disk.fault = (call) => {
        if (call === 'truncate' || call === 'remove') return undefined;
        if (call === 'write' && faults(3) === 0) return 'short';
        return faults(8) === 0 ? codes[faults(codes.length)] : undefined;
      };
      const { journal } = await smallJournal(disk);
      await runSession(model, journal, 40);
      disk.fault = () => undefined;
      const { recovered } = await smallJournal(disk.afterCrash('kill', model.draw));
      model.judge(recovered, false);
    }),
    { numRuns: 200, seed: 13 },
  );
});

test('when even cutting and removing fail, nothing acknowledged is lost, and the next commit voids what was rejected', async () => {
  await fc.assert(
    fc.asyncProperty(seeds, kinds, async (seed, kind) => {
      const model = new JournalModel(drawFrom(seed));
      const disk = new MemoryDisk();
      const faults = drawFrom(seed + 1);
      disk.fault = () => (faults(6) === 0 ? 'EIO' : undefined);
      const { journal } = await smallJournal(disk);
      await runSession(model, journal, 40);
      const torn = await smallJournal(disk.afterCrash(kind, model.draw));
      model.judge(torn.recovered, true);
      disk.fault = (call) => (call === 'truncate' || call === 'remove' ? 'EIO' : undefined);
      const bytes = Buffer.from('the end');
      await journal.append({
        kind: 'put',
        path: 'z.canvas',
        bytes,
        etag: etagOf(bytes),
      });
      const { recovered } = await smallJournal(disk.afterCrash('kill', model.draw));
      model.judge(
        recovered.filter(({ path }) => path !== 'z.canvas'),
        false,
      );
      expect(recovered.some(({ path }) => path === 'z.canvas')).toBe(true);
    }),
    { numRuns: 200, seed: 14 },
  );
});

test('a flipped bit anywhere never gives wrong bytes and never stops the start', async () => {
  await fc.assert(
    fc.asyncProperty(
      seeds,
      fc.array(fc.tuple(fc.nat(), fc.nat(7)), { minLength: 1, maxLength: 4 }),
      async (seed, flips) => {
        const model = new JournalModel(drawFrom(seed));
        const disk = await crashed(model, new MemoryDisk(), 1e9, 'kill');
        const files = [...disk.files.values()].filter(({ cached }) => cached.length > 0);
        const before = await smallJournal(disk);
        for (const [at, bit] of flips) {
          const bytes = files[at % files.length]!.cached;
          const offset = at % bytes.length;
          bytes[offset] = bytes[offset]! ^ (1 << bit);
        }
        const { recovered, damage } = await smallJournal(disk);
        for (const canvas of recovered) {
          const { versions } = model.path(canvas.path);
          const bytes = canvas.kind === 'put' ? canvas.bytes : null;
          expect(versions.some((each) => (each.bytes && bytes ? each.bytes.equals(bytes) : each.bytes === bytes))).toBe(
            true,
          );
        }
        if (recovered.length < before.recovered.length) expect(damage).not.toEqual([]);
      },
    ),
    { numRuns: 300, seed: 15 },
  );
});
