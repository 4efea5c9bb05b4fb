import { expect, test } from 'vitest';
import { interleaveOutside } from './scenarios/outside-editor.js';
import { seed, tell, tries } from './support/scale.js';
import { openGround } from './support/service.js';
import { faultSummary, noFaults } from './support/write-book.js';

test.each([
  { name: 'writes gathered', batched: true, interleavings: tries(24, 800) },
  { name: 'a file write per request', batched: false, interleavings: tries(12, 200) },
])('no edit of a client or of another program goes without trace: $name', async ({ name, batched, interleavings }) => {
  const ground = await openGround({ batched });
  const { faults, ...report } = await interleaveOutside(ground, { interleavings, seed });
  tell(`outside editor, ${name}`, { ...report, faults: faultSummary(faults) });
  expect(faultSummary(faults)).toEqual(noFaults);
});

test('an edit whose time was set back is seen by the next read', async () => {
  const ground = await openGround();
  const { faults, ...report } = await interleaveOutside(ground, {
    interleavings: tries(12, 200),
    seed,
    ways: ['in place, time restored'],
    clientWrites: false,
  });
  tell('outside editor, time restored', { ...report, faults: faultSummary(faults) });
  expect(faultSummary(faults)).toEqual(noFaults);
});
