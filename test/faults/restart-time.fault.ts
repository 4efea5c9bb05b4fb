import { expect, test } from 'vitest';
import { killAtRandom } from './scenarios/kill-at-random.js';
import { isFull, seed, tell, tries } from './support/scale.js';
import { openGround } from './support/service.js';
import { faultSummary, noFaults } from './support/write-book.js';

// No other file of the suite runs beside this one.
test.each([
  { name: 'writes gathered', batched: true },
  { name: 'a file write per request', batched: false },
])(
  'a service that was killed under its writers is ready within 2 s, all recovered: $name',
  async ({ name, batched }) => {
    const ground = await openGround({ batched });
    const { faults, ...report } = await killAtRandom(ground, { kills: tries(3, 25), seed, canvases: 32 });
    const { kills, restartMs, restartCpuMs, longestRestartMs } = report;
    tell(`restart after a SIGKILL, ${name}`, { kills, restartMs, restartCpuMs, faults: faultSummary(faults) });
    expect(faultSummary(faults)).toEqual(noFaults);
    // A start that was held up by others took less of the processor.
    expect(longestRestartMs).toBeLessThanOrEqual(2000);
    // The whole suite runs on a quiet machine; a quick one may share it.
    if (isFull) expect(restartMs.p95).toBeLessThanOrEqual(2000);
  },
);
