import { expect, test } from 'vitest';
import { type ErrorPoints, failEachCall } from './scenarios/system-errors.js';
import { isFull, tell } from './support/scale.js';
import { openGround } from './support/service.js';
import { whyNoStrace } from './support/strace.js';
import { faultSummary, noFaults } from './support/write-book.js';

const manyPoints: ErrorPoints[] = (['new', 'overwrite', 'new folder'] as const).map((target) => ({
  target,
  bytes: 20_000,
  errors: ['EIO', 'ENOSPC', 'EROFS'],
  calls: ['open', 'make_folder', 'write', 'sync', 'truncate', 'mode', 'link', 'rename', 'unlink'],
  maxPerCall: 20,
}));

const somePoints: ErrorPoints[] = [
  { target: 'overwrite', bytes: 20_000, errors: ['EIO'], calls: ['write', 'sync', 'rename'], maxPerCall: 2 },
  { target: 'new', bytes: 300, errors: ['ENOSPC'], calls: ['open', 'write'], maxPerCall: 2 },
];

test.for([
  { name: 'writes gathered', batched: true },
  { name: 'a file write per request', batched: false },
])('a system call that fails costs no acknowledged write and no later one: $name', async (variant, { skip }) => {
  const reason = whyNoStrace();
  skip(reason !== undefined, reason);
  const ground = await openGround({ batched: variant.batched, env: { UV_THREADPOOL_SIZE: '1' } });
  const { faults, ...report } = await failEachCall(ground, isFull ? manyPoints : somePoints);
  tell(`system calls that fail, ${variant.name}`, { ...report, faults: faultSummary(faults) });
  expect(faultSummary(faults)).toEqual(noFaults);
  expect(report.injected).toBeGreaterThanOrEqual(isFull ? 60 : 3);
});
