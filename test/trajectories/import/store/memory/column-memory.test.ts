import { expect, it } from 'vitest';
import { ColumnMemory } from '../../../../../src/trajectories/import/store/memory/column-memory.js';

it('the same memory is given for one column after the other, and more when a column needs more', () => {
  const memory = new ColumnMemory();
  const first = memory.take(1000);
  expect(first).toHaveLength(1000);
  const smaller = memory.take(500);
  expect(smaller).toHaveLength(500);
  expect(smaller.buffer).toBe(first.buffer);
  const larger = memory.take(2000);
  expect(larger).toHaveLength(2000);
  expect(larger.buffer).not.toBe(first.buffer);
  // A little more than the one before: columns of batches differ by a few bytes.
  expect(memory.take(2100).buffer).toBe(larger.buffer);
});
