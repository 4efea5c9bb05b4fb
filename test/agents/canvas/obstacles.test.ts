import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Obstacles } from '../../../src/agents/canvas/obstacles.js';
import { isNear } from '../../../src/agents/canvas/rectangle.js';

const gap = 40;
/** Near to each other mostly, on the borders of rows, with fractions, and such as only damaged files have. */
const ordinate = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -1500, max: 1500 }) },
  { weight: 2, arbitrary: fc.integer({ min: -3, max: 3 }).map((row) => row * 512) },
  { weight: 2, arbitrary: fc.double({ min: -1500, max: 1500, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(1e17, -1e17, 1e308, -1e308, 9007199254740991, -0) },
);
const length = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 700 }) },
  { weight: 1, arbitrary: fc.integer({ min: -600, max: 0 }) },
  { weight: 1, arbitrary: fc.constantFrom(1e5, 1e9, 1e308) },
);
const rectangle = fc.record({ x: ordinate, y: ordinate, width: length, height: length });
const place = fc.record({
  x: ordinate,
  y: ordinate,
  width: fc.constant(420),
  height: fc.integer({ min: 80, max: 1000 }),
});

describe('Obstacles', () => {
  it('answer what a comparison with all of them answers', () => {
    fc.assert(
      fc.property(
        fc.array(rectangle, { maxLength: 12 }),
        fc.array(place, { minLength: 1, maxLength: 20 }),
        (all, places) => {
          const obstacles = new Obstacles(all, gap);
          for (const each of places) {
            expect(obstacles.areClearOf(each)).toBe(!all.some((other) => isNear(each, other, gap)));
          }
        },
      ),
      { seed: 17, numRuns: 2000 },
    );
  });

  it('keep the gap to the pixel, above and below', () => {
    const obstacles = new Obstacles([{ x: 0, y: 1024, width: 100, height: 512 }], gap);
    const at = (y: number) => obstacles.areClearOf({ x: 0, y, width: 420, height: 80 });
    expect([at(1024 - 80 - gap), at(1024 - 80 - gap + 1)]).toEqual([true, false]);
    expect([at(1536 + gap), at(1536 + gap - 1)]).toEqual([true, false]);
  });
});
