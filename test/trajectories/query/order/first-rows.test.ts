import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareTexts, createFirstRows } from '../../../../src/trajectories/query/order/first-rows.js';

describe('the first rows of an order', () => {
  it('are those of all rows sorted, however many there are and come', () => {
    const order = (a: [number, number], b: [number, number]) => a[0] - b[0] || a[1] - b[1];
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 40 }),
        fc.integer({ min: 0, max: 30_000 }),
        (values, most) => {
          // So many that several runs are merged.
          const rows = Array.from({ length: values.length * 400 }, (_, i): [number, number] => [
            values[i % values.length] ?? 0,
            (i * 7919) % 16_001,
          ]);
          const first = createFirstRows(most, order);
          for (const row of rows) first.add(row);
          expect(first.rows()).toEqual(rows.sort(order).slice(0, most));
        },
      ),
      { seed: 43, numRuns: 20 },
    );
  });

  it('never holds more than was asked for and a run', () => {
    const first = createFirstRows<number>(10, (a, b) => a - b);
    for (let i = 20_000; i > 0; i--) first.add(i);
    expect(first.rows()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
});

describe('texts', () => {
  it('are in the order of their UTF-8 bytes, beyond the first plane too', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'z', '\u{7f}', '学', '\ud7ff', '\ue000', '\uffff', '😀', '\u{10ffff}'),
    });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareTexts(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { seed: 47, numRuns: 2000 },
    );
  });
});
