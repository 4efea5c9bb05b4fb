import { expect, test } from 'vitest';
import { killAtRandom } from './scenarios/kill-at-random.js';
import { seed, tell, tries } from './support/scale.js';
import { openGround } from './support/service.js';
import { faultSummary, noFaults } from './support/write-book.js';

test.each([
  { name: 'writes gathered', batched: true, kills: tries(4, 400) },
  { name: 'a file write per request', batched: false, kills: tries(1, 100) },
])(
  'killed at random under 8 to 16 writers, nothing acknowledged is lost or torn: $name',
  async ({ name, batched, kills }) => {
    const freshGround = () => openGround({ batched });
    const {
      kills: done,
      faults,
      ...report
    } = await killAtRandom(await freshGround(), {
      kills,
      seed,
      canvases: 32,
      freshGround,
    });
    const { acknowledged, unanswered, refused, killsBeforeAnswer, landed, edits } = report;
    const counts = { kills: done, acknowledged, unanswered, refused, killsBeforeAnswer, landed, edits };
    tell(`SIGKILL at random, ${name}`, { ...counts, faults: faultSummary(faults) });
    expect(faultSummary(faults)).toEqual(noFaults);
    expect(killsBeforeAnswer / done).toBeGreaterThanOrEqual(0.3);
  },
);
