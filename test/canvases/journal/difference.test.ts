import fc from 'fast-check';
import { expect, test } from 'vitest';
import { commonHead, commonTail, differenceOf, PieceList } from '../../../src/canvases/journal/difference.js';

/** Long stretches of few different bytes, so that heads and tails are long and overlap. */
const bytes = fc
  .array(fc.tuple(fc.constantFrom('a', 'b', '学'), fc.nat(300)), { maxLength: 6 })
  .map((runs) => Buffer.from(runs.map(([text, times]) => text.repeat(times)).join('')));

function slowHead(a: Buffer, b: Buffer): number {
  let equal = 0;
  while (equal < a.length && equal < b.length && a[equal] === b[equal]) equal += 1;
  return equal;
}

test('head and tail are as long as a loop over the bytes finds them', () => {
  fc.assert(
    fc.property(bytes, bytes, fc.nat(900), (a, b, most) => {
      expect(commonHead(a, b)).toBe(slowHead(a, b));
      const limit = Math.min(a.length, b.length, most);
      const reversed = slowHead(Buffer.from(a).reverse(), Buffer.from(b).reverse());
      expect(commonTail(a, b, limit)).toBe(Math.min(limit, reversed));
    }),
    { numRuns: 500, seed: 1 },
  );
});

test('a chain of differences gives back every version', () => {
  fc.assert(
    fc.property(fc.array(bytes, { minLength: 1, maxLength: 90 }), (versions) => {
      const pieces = new PieceList(versions[0]!);
      for (const [index, version] of versions.entries()) {
        if (index > 0) expect(pieces.apply(differenceOf(versions[index - 1]!, version))).toBe(true);
        expect(pieces.bytes().equals(version)).toBe(true);
      }
    }),
    { numRuns: 100, seed: 2 },
  );
});

test('one changed number in half a megabyte is a difference of a few bytes', () => {
  const before = Buffer.from(
    JSON.stringify(Array.from({ length: 5_000 }, (_, x) => ({ id: `n${x}`, x: 1000 + x, text: '学习画布' }))),
  );
  const after = Buffer.from(before.toString().replace('"x":3500', '"x":3507'));
  expect(differenceOf(before, after).middle.toString()).toBe('7');
});

test('a difference that keeps more than there is changes nothing', () => {
  const pieces = new PieceList(Buffer.from('abc'));
  expect(pieces.apply({ head: 2, tail: 2, middle: Buffer.from('x') })).toBe(false);
  expect(pieces.bytes().toString()).toBe('abc');
});
