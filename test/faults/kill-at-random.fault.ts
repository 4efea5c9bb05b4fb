import { expect, test } from 'vitest';
import { killAtRandom } from './scenarios/kill-at-random.js';
import { isFull, seed, tell, tries } from './support/scale.js';
import { openGround } from './support/service.js';
import { faultSummary, noFaults } from './support/write-book.js';

test.each([
  { name: 'writes gathered', batched: true, kills: tries(4, 400) },
  { name: 'a file write per request', batched: false, kills: tries(1, 100) },
])(
  'killed at random under 8 to 16 writers, nothing acknowledged is lost or torn: $name',
  async ({ name, batched, kills }) => {
    const ground = await openGround({ batched });
    const { faults, ...report } = await killAtRandom(ground, { kills, seed, canvases: 32 });
    tell(`SIGKILL at random, ${name}`, { ...report, faults: faultSummary(faults) });
    expect(faultSummary(faults)).toEqual(noFaults);
    expect(report.killsBeforeAnswer / report.kills).toBeGreaterThanOrEqual(0.3);
    expect(report.longestRestartMs).toBeLessThanOrEqual(2000);
    expect(report.restartCpuMs.p95).toBeLessThanOrEqual(2000);
    // The whole suite runs on a quiet machine; a quick one may share it.
    if (isFull) expect(report.restartMs.p95).toBeLessThanOrEqual(2000);
  },
);
