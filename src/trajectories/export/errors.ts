import { Problem } from '../../errors.js';

/** Too many exports at once. @source product contract, Promises 6 */
export function exportsBusy(maxAtOnce: number): Problem {
  return new Problem({
    code: 'EXPORTS_BUSY',
    kind: 'too_many',
    message: `Expected at most ${maxAtOnce} exports at once; try again when one has ended`,
    headers: { 'retry-after': '10' },
  });
}
