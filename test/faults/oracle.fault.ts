/** The oracle first: it must see what writers do wrong that are known to, and nothing in one that is right. */
import path from 'node:path';
import { expect, test } from 'vitest';
import { writeOnFullDisk } from './scenarios/full-disk.js';
import { killAtRandom } from './scenarios/kill-at-random.js';
import { interleaveOutside } from './scenarios/outside-editor.js';
import { cutPower } from './scenarios/power-cut.js';
import { mountMemory, whyNoMount, whyNoPowerCut } from './support/file-systems.js';
import { seed, tell, tries } from './support/scale.js';
import { knownWriter, openGround } from './support/service.js';
import { faultSummary, noFaults } from './support/write-book.js';

const kills = { seed, canvases: 8, maxBytes: 200_000, stopsAtFault: true };

test('kills and power cuts leave nothing to complain about in a careful writer', async () => {
  const killed = await killAtRandom(await openGround({ program: knownWriter('careful') }), {
    ...kills,
    kills: tries(2, 20),
  });
  expect(faultSummary(killed.faults.filter(({ kind }) => kind !== 'leftover'))).toEqual(noFaults);
  if (whyNoPowerCut() !== undefined) return;
  const cut = await cutPower(await openGround({ program: knownWriter('careful') }), {
    cuts: tries(1, 10),
    seed,
    onlyQuiet: true,
  });
  expect(faultSummary(cut.faults)).toEqual(noFaults);
});

test('a writer that answers before it writes is caught by kills', async () => {
  const ground = await openGround({ program: knownWriter('answers_first') });
  const { faults, kills: count } = await killAtRandom(ground, { ...kills, kills: 10 });
  tell('oracle: answers before it writes', { kills: count, faults: faultSummary(faults).counts });
  expect(faultSummary(faults).counts.lost).toBeGreaterThan(0);
});

test('a writer that writes in place is caught by kills', async () => {
  const ground = await openGround({ program: knownWriter('writes_in_place') });
  const { faults, kills: count } = await killAtRandom(ground, { ...kills, kills: 10 });
  tell('oracle: writes in place', { kills: count, faults: faultSummary(faults).counts });
  expect(faultSummary(faults).counts.torn).toBeGreaterThan(0);
});

test('a writer that leaves temporary files is caught by kills', async () => {
  const ground = await openGround({ program: knownWriter('leaves_temporaries') });
  const { faults, kills: count } = await killAtRandom(ground, { ...kills, kills: 10 });
  tell('oracle: leaves temporary files', { kills: count, faults: faultSummary(faults).counts });
  expect(faultSummary(faults).counts.leftover).toBeGreaterThan(0);
});

test.for(['never_syncs', 'syncs_no_folder'])(
  'a writer that renames but %s is caught by a power cut',
  async (how, { skip }) => {
    const reason = whyNoPowerCut();
    skip(reason !== undefined, reason);
    const ground = await openGround({ program: knownWriter(how) });
    const { faults, cuts } = await cutPower(ground, { cuts: tries(1, 10), seed, onlyQuiet: true });
    tell(`oracle: ${how}`, { cuts, faults: faultSummary(faults).counts });
    expect(faultSummary(faults).counts.lost).toBeGreaterThanOrEqual(cuts);
  },
);

test('a writer that does not look how much was written is caught by a full disk', async ({ skip }) => {
  const reason = whyNoMount();
  skip(reason !== undefined, reason);
  const ground = await openGround({ program: knownWriter('writes_once') });
  const disk = path.join(ground.folder, 'disk');
  mountMemory(ground, disk, 12 * 1024 * 1024);
  ground.vaultDir = path.join(disk, 'vault');
  const { faults, writes } = await writeOnFullDisk(ground, { disk, writes: 8, seed });
  tell('oracle: does not look how much was written', { writes, faults: faultSummary(faults).counts });
  expect(faultSummary(faults).counts.torn).toBeGreaterThan(0);
});

test('a cache that trusts time and size is caught by an editor that sets the time back', async () => {
  const ground = await openGround({ program: knownWriter('caches_by_time') });
  const { faults } = await interleaveOutside(ground, {
    interleavings: 3,
    seed,
    ways: ['in place, time restored'],
    clientWrites: false,
  });
  tell('oracle: a cache that trusts time and size', { edits: 3, faults: faultSummary(faults).counts });
  expect(faultSummary(faults).counts.stale).toBe(3);
});

test('a server that serves what it finds is caught by an editor that writes over the old bytes in pieces', async () => {
  const ground = await openGround({ program: knownWriter('careful') });
  const { faults } = await interleaveOutside(ground, {
    interleavings: 12,
    seed,
    ways: ['in place, over the old bytes'],
  });
  tell('oracle: serves what it finds', { interleavings: 12, faults: faultSummary(faults).counts });
  expect(faultSummary(faults).counts.torn).toBeGreaterThan(0);
});

test('a writer without a history is caught by an outside editor', async () => {
  const ground = await openGround({ program: knownWriter('careful') });
  const { faults, ends } = await interleaveOutside(ground, { interleavings: 12, seed });
  tell('oracle: no history', { interleavings: 12, ends, faults: faultSummary(faults).counts });
  expect(faultSummary(faults).counts.edit_gone).toBeGreaterThan(0);
});
