import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeCursor, encodeCursor } from '../../../src/trajectories/query/list-cursor.js';
import { hostileText } from '../../support/hostile-text.js';

const place = {
  filter: [
    { test: 'matches', column: 'agent_name', text: "it's*" },
    { test: 'contains', columns: ['trajectory_id', 'data_id'], text: '中文' },
    { test: 'one_of', column: 'termination_reason', texts: ['', 'a'] },
    { test: 'between', column: 'reward', min: -0.1 },
    { test: 'between_whole', column: 'step_count', max: 1e12 },
    { test: 'is', column: 'is_success', value: false },
    { test: 'has_all', column: 'tags', texts: ['x'] },
  ],
  sortBy: 'reward',
  order: 'asc',
  after: { value: 0.1 + 0.2, seq: 1.7e15 + 0.5 },
} as const;

/** A cursor with a right sum around anything. */
function forged(content: unknown): string {
  const carried = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
  const sum = createHash('sha256').update('cursor 1 ').update(carried).digest().subarray(0, 9);
  return Buffer.concat([sum, carried]).toString('base64url');
}
const plain = { filter: [], sortBy: 'reward', order: 'asc', seq: 1, value: 1 };

test('a cursor brings back filter, order and place', () => {
  const cursor = encodeCursor(place);
  expect(cursor).toMatch(/^[\w-]+$/);
  expect(decodeCursor(cursor)).toEqual(place);
  expect(decodeCursor(forged(plain)).after).toEqual({ seq: 1, value: 1 });
});

test('texts of any kind are carried, long ones are left out', () => {
  fc.assert(
    fc.property(hostileText, (value) => {
      const after = { value, seq: 3 };
      expect(decodeCursor(encodeCursor({ ...place, sortBy: 'notes', after })).after).toEqual(after);
    }),
    { seed: 6 },
  );
  const long = encodeCursor({ ...place, filter: [], sortBy: 'notes', after: { value: '长'.repeat(10_000), seq: 3 } });
  expect(long.length).toBeLessThan(200);
  expect(decodeCursor(long).after).toEqual({ seq: 3 });
});

test('any change of a cursor is refused', () => {
  const cursor = encodeCursor(place);
  for (let i = 0; i < cursor.length; i++) {
    const other = cursor[i] === 'A' ? 'B' : 'A';
    expect(() => decodeCursor(cursor.slice(0, i) + other + cursor.slice(i + 1))).toThrow('cursor: expected');
    expect(() => decodeCursor(cursor.slice(0, i))).toThrow('cursor: expected');
  }
  expect(() => decodeCursor(`${cursor}=`)).toThrow('cursor: expected');
});

test('no text is a cursor by chance, whatever it is', () => {
  fc.assert(
    fc.property(fc.oneof(hostileText, fc.base64String(), fc.string()), (text) => {
      expect(() => decodeCursor(text)).toThrow('cursor: expected');
    }),
    { seed: 7 },
  );
});

test.each([
  ['{'],
  [null],
  [[]],
  [{ ...plain, sortBy: 'seq' }],
  [{ ...plain, sortBy: 'reward; DROP' }],
  [{ ...plain, order: 'up' }],
  [{ ...plain, seq: '1' }],
  [{ ...plain, seq: null }],
  [{ ...plain, value: 'x' }],
  [{ ...plain, value: null }],
  [{ ...plain, value: [] }],
  [{ ...plain, sortBy: 'step_count', value: 1.5 }],
  [{ ...plain, sortBy: 'step_count', value: 3e9 }],
  [{ ...plain, sortBy: 'is_success', value: 1 }],
  [{ ...plain, sortBy: 'notes', value: true }],
  [{ ...plain, _rowid: 1 }],
  [{ ...plain, filter: [{ test: 'matches', column: 'x" OR 1=1', text: '' }] }],
  [{ ...plain, filter: [{ test: 'one_of', column: 'notes', texts: [] }] }],
  [{ ...plain, filter: [{ test: 'between', column: 'reward', min: '1' }] }],
  [{ ...plain, filter: [{ test: 'sql', text: 'true' }] }],
])('refuses %j also with a right sum', (content) => {
  expect(() => decodeCursor(forged(content))).toThrow(expect.objectContaining({ code: 'CURSOR_INVALID' }));
});

test('refuses a number out of range also with a right sum', () => {
  const content = JSON.stringify(plain).replace('"value":1', '"value":1e309');
  expect(() => decodeCursor(forged(content))).toThrow('cursor: expected');
});
