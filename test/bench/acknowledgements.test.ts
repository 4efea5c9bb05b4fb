import { expect, test } from 'vitest';
import { lostWrites, type Write, writeBeforeAll } from '../../bench/canvases/acknowledgements.js';

const write = (revision: number, sentAt: number, acknowledgedAt = Number.POSITIVE_INFINITY): Write => ({
  revision,
  sentAt,
  acknowledgedAt,
});

test('the last acknowledged write in the file loses nothing', () => {
  const [first, second] = [write(1, 0, 10), write(2, 20, 30)];
  expect(lostWrites([first, second], second)).toEqual([]);
});

test('a file that holds an older write has lost the newer one', () => {
  const [first, second] = [write(1, 0, 10), write(2, 20, 30)];
  expect(lostWrites([first, second], first)).toEqual([second]);
});

test('a file that nothing was written to has lost every acknowledged write', () => {
  const first = write(1, 0, 10);
  expect(lostWrites([writeBeforeAll, first], writeBeforeAll)).toEqual([first]);
});

test('writes that overlap may stand in any order', () => {
  const [first, second] = [write(1, 0, 30), write(2, 20, 40)];
  expect(lostWrites([first, second], first)).toEqual([]);
  expect(lostWrites([first, second], second)).toEqual([]);
});

test('a write that is not acknowledged cannot be lost, and may stand in the file', () => {
  const [first, unanswered] = [write(1, 0, 10), write(2, 20)];
  expect(lostWrites([first, unanswered], first)).toEqual([]);
  expect(lostWrites([first, unanswered], unanswered)).toEqual([]);
});
