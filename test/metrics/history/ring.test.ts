import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinedPoints, Ring } from '../../../src/metrics/history/ring.js';
import type { Series, SeriesKind } from '../../../src/metrics/history/series.js';

const series: Series[] = (['count', 'mean', 'max', 'last'] as SeriesKind[]).map((kind) => ({
  name: kind,
  kind,
  read: () => 0,
}));
const resolution = { range: 'test', stepSeconds: 5, points: 4 };
const all = (value: number) => Float64Array.of(value, value, value, value);

function shown(ring: Ring, wallSeconds: number): Record<string, number>[] {
  return [...ring.points(wallSeconds)].map(([start, point]) => ({
    start,
    seconds: point.seconds,
    ...Object.fromEntries(series.map(({ name }) => [name, point.get(name)])),
  }));
}

describe('a ring', () => {
  it('joins the samples of a point by what they are', () => {
    const ring = new Ring(resolution, series);
    ring.add(100, 2, all(4));
    ring.add(102, 2, all(1));
    ring.add(104, 2, all(1));
    expect(shown(ring, 104)).toEqual([{ start: 100, seconds: 6, count: 6, mean: 2, max: 4, last: 1 }]);
  });

  it('forgets what is older than its range, and has no points where nothing was seen', () => {
    const ring = new Ring(resolution, series);
    for (const second of [100, 105, 115]) ring.add(second, 5, all(second));
    expect(shown(ring, 116).map(({ start }) => start)).toEqual([100, 105, 115]);
    expect(shown(ring, 121).map(({ start }) => start)).toEqual([105, 115]);
    ring.add(120, 5, all(1));
    expect(shown(ring, 121).map(({ start }) => start)).toEqual([105, 115, 120]);
    expect(shown(ring, 1000)).toEqual([]);
  });

  it('begins a point anew when the clock was set back', () => {
    const ring = new Ring(resolution, series);
    ring.add(200, 2, all(7));
    ring.add(100, 2, all(3));
    expect(shown(ring, 100)).toMatchObject([{ start: 100, count: 3 }]);
    expect(shown(ring, 200)).toEqual([]);
  });

  it('leaves out what is not known', () => {
    const ring = new Ring(resolution, series);
    ring.add(100, 2, all(Number.NaN));
    expect(shown(ring, 100)[0]).toMatchObject({ count: Number.NaN, last: Number.NaN });
    ring.add(102, 2, all(5));
    expect(shown(ring, 102)[0]).toMatchObject({ count: 5, last: 5, mean: 5 });
  });

  it('loses no count inside its range, in whatever steps time goes on', () => {
    const steps = fc.array(
      fc.record({ after: fc.integer({ min: 1, max: 9 }), gained: fc.integer({ min: 0, max: 99 }) }),
    );
    fc.assert(
      fc.property(steps, (given) => {
        const ring = new Ring(resolution, series);
        let now = 1000;
        const fed = given.map(({ after, gained }) => {
          now += after;
          ring.add(now, after, all(gained));
          return { now, gained };
        });
        const first = (Math.floor(now / 5) - 3) * 5;
        const wanted = fed.filter((one) => one.now >= first).reduce((sum, { gained }) => sum + gained, 0);
        const counted = shown(ring, now).reduce((sum, point) => sum + Number(point.count), 0);
        expect(counted).toBe(wanted);
      }),
      { seed: 7, numRuns: 200 },
    );
  });
});

it('several points become one: counts add up, of the rest the last is taken', () => {
  const ring = new Ring(resolution, series);
  ring.add(100, 5, all(4));
  ring.add(105, 5, all(1));
  const points = [...ring.points(106)].map(([, point]) => point);
  const joined = joinedPoints(points, series);
  expect([joined.seconds, joined.get('count'), joined.get('max'), joined.get('last')]).toEqual([10, 5, 1, 1]);
  expect(joinedPoints([], series).get('max')).toBeNaN();
});
