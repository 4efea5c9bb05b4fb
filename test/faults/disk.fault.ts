import path from 'node:path';
import { expect, test } from 'vitest';
import { writeOnFullDisk } from './scenarios/full-disk.js';
import { forbidWriting } from './scenarios/read-only.js';
import { mountMemory, whyNoMount } from './support/file-systems.js';
import { seed, tell, tries } from './support/scale.js';
import { openGround } from './support/service.js';
import { faultSummary, noFaults } from './support/write-book.js';

test.for([
  { name: 'vault and data on it', both: true, batched: true, writes: tries(12, 100) },
  { name: 'only the vault on it', both: false, batched: true, writes: tries(8, 60) },
  { name: 'a file write per request', both: true, batched: false, writes: tries(4, 40) },
])(
  'a full disk refuses writes, keeps what was promised, and works once there is room: $name',
  async (variant, { skip }) => {
    const reason = whyNoMount();
    skip(reason !== undefined, reason);
    const ground = await openGround({ batched: variant.batched });
    const disk = path.join(ground.folder, 'disk');
    mountMemory(ground, disk, 12 * 1024 * 1024);
    ground.vaultDir = path.join(disk, 'vault');
    if (variant.both) ground.dataDir = path.join(disk, 'data');
    const { faults, ...report } = await writeOnFullDisk(ground, { disk, writes: variant.writes, seed });
    tell(`full disk, ${variant.name}`, { ...report, faults: faultSummary(faults) });
    expect(faultSummary(faults)).toEqual(noFaults);
  },
);

test('a canvas that may not be written for a while is read on, and written once it may', async ({ skip }) => {
  const reason = whyNoMount();
  skip(reason !== undefined, reason);
  const ground = await openGround();
  const { faults, ...report } = await forbidWriting(ground, tries(2, 6));
  tell('read-only', { ...report, faults: faultSummary(faults) });
  expect(faultSummary(faults)).toEqual(noFaults);
  expect(report.cases).toBeGreaterThan(0);
});
