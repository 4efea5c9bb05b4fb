import { expect, test } from 'vitest';
import { noticeOutside } from './scenarios/noticing.js';
import { isFull, tell, tries } from './support/scale.js';

test.each([
  { name: 'the system tells, and the sweep', maxWatchedFolders: undefined },
  { name: 'the sweep alone', maxWatchedFolders: 0 },
])(
  'an edit of another program reaches who follows the canvases within 1 s: $name',
  async ({ name, maxWatchedFolders }) => {
    const report = await noticeOutside({ canvases: 1000, edits: tries(12, 100), maxWatchedFolders });
    tell(`outside edit noticed, ${name}`, { ...report });
    expect(report.missed).toBe(0);
    // The whole suite runs on a quiet machine; a quick one may share it.
    expect(report.noticedMs.p95).toBeLessThanOrEqual(isFull ? 1000 : 4000);
  },
);
