import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrow } from '../../../src/lance/arrow.js';
import { textColumn } from '../../../src/lance/vectors/text-column.js';

const valuesOf = (column: ReturnType<typeof textColumn>) => [...new arrow.Vector([column])];

describe('a column of texts', () => {
  it("holds what the library's own builder would put into it", () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom('', '\ud800', '\udc00', '什么是极限？'),
    );
    fc.assert(
      fc.property(fc.array(text, { maxLength: 30 }), (texts) => {
        const own = textColumn(texts);
        const built = arrow.vectorFromArray(texts, new arrow.Utf8());
        expect(valuesOf(own)).toEqual([...built]);
        expect(own.nullCount).toBe(0);
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it('may have no rows', () => {
    expect(valuesOf(textColumn([]))).toEqual([]);
  });
});
