import { describe, expect, it, onTestFinished } from 'vitest';
import type { Logger } from '../../src/logger.js';
import {
  type AutoTuneSettings,
  openTuning,
  type TunedCache,
  type TuningEvent,
  tunedLimit,
} from '../../src/tuning/index.js';
import { ManualClock } from '../support/manual-clock.js';

const KiB = 1024;

/** A cache of a test: a limit of bytes, one of entries, one of time, and figures that the test sets. */
function fakeCache(name = 'query') {
  const figures = {
    entries: 100,
    bytes: 100 * KiB,
    max_bytes: 100 * KiB,
    hits: 0,
    misses: 0,
    evictions: 0,
    expirations: 0,
  };
  const applied: Record<string, number> = {};
  const limit = (of: string, unit: 'bytes' | 'entries' | 'seconds', configured: number) =>
    tunedLimit(of, unit, configured, (value) => {
      applied[of] = value;
      if (unit === 'bytes') figures.max_bytes = value;
    });
  let isOn = true;
  const cache: TunedCache = {
    name,
    isOn: () => isOn,
    statistics: () => ({ ...figures }),
    sizes: [limit('max_bytes', 'bytes', 100 * KiB), limit('max_entries', 'entries', 1000)],
    ttl: limit('ttl_seconds', 'seconds', 300),
  };
  return {
    cache,
    figures,
    applied,
    turn: (to: boolean) => {
      isOn = to;
    },
    /** A time of askings: so many, this share of them answered, so many entries that had to go or had expired. */
    asked(count: number, hitRatio: number, lost: { evictions?: number; expirations?: number } = {}) {
      figures.hits += count * hitRatio;
      figures.misses += count * (1 - hitRatio);
      figures.evictions += lost.evictions ?? 0;
      figures.expirations += lost.expirations ?? 0;
    },
  };
}

function openTestTuning(caches: ReturnType<typeof fakeCache>[], more: Partial<AutoTuneSettings> = {}) {
  const clock = new ManualClock();
  const settings: AutoTuneSettings = {
    enabled: true,
    interval_seconds: 60,
    max_factor: 4,
    max_total_bytes: 1024 * KiB,
    memory_high_ratio: 0.8,
    min_requests: 100,
    min_gain_ratio: 0.01,
    ...more,
  };
  const memory = { ratio: 0.5 as number | undefined, isClosed: false };
  const events: TuningEvent[] = [];
  const lines: { fields: Record<string, unknown>; message: string }[] = [];
  const say = (fields: Record<string, unknown>, message: string) => lines.push({ fields, message });
  const tuning = openTuning({
    caches: caches.map(({ cache }) => cache),
    settings: () => settings,
    memory: {
      read: () => memory.ratio,
      close: () => {
        memory.isClosed = true;
      },
    },
    logger: { info: say, warn: say } as unknown as Logger,
    onEvent: (event) => events.push(event),
    clock,
  });
  onTestFinished(() => tuning.close());
  /** One interval. */
  const look = () => clock.advance(60_000);
  const calm = async () => {
    for (let i = 0; i < 3; i++) await look();
  };
  const limit = (name = 'max_bytes', cache = 'query') => tuning.state().caches[cache]?.limits[name]?.current;
  return { tuning, clock, settings, memory, events, lines, look, calm, limit };
}

describe('a cache that loses what it is asked for', () => {
  it('grows by half, and stays so when it answers more often', async () => {
    const one = fakeCache();
    const { look, calm, limit, tuning, lines, events } = openTestTuning([one]);
    await calm();
    one.asked(1000, 0.4, { evictions: 300 });
    await look();
    expect(limit()).toBe(150 * KiB);
    expect(one.applied).toEqual({ max_bytes: 150 * KiB });
    await look();
    one.asked(1000, 0.6);
    await look();
    await look();
    expect(limit()).toBe(150 * KiB);
    const why = 'hit ratio 40 % of 1000 askings; 300 entries had to go for others';
    expect(tuning.state().changes).toEqual([
      { at: expect.any(Number), cache: 'query', limit: 'max_bytes', from: 100 * KiB, to: 150 * KiB, why },
    ]);
    expect(lines).toEqual([
      {
        fields: { audit: true, cache: 'query', limit: 'max_bytes', from: 100 * KiB, to: 150 * KiB, reason: why },
        message: 'cache tuned',
      },
    ]);
    expect(events).toEqual([{ type: 'limit_changed', cache: 'query', limit: 'max_bytes', direction: 'up' }]);
  });

  it('gets its old limit back when that did not help, and is left alone for an hour of looks', async () => {
    const one = fakeCache();
    const { look, calm, limit, tuning, events } = openTestTuning([one]);
    await calm();
    one.asked(1000, 0.4, { evictions: 300 });
    await look();
    await look();
    one.asked(1000, 0.405, { evictions: 30 });
    await look();
    expect(limit()).toBe(100 * KiB);
    expect(tuning.state().changes[0]?.why).toBe('it did not help: hit ratio 40.5 % after 40 %');
    for (let i = 0; i < 59; i++) {
      one.asked(1000, 0.4, { evictions: 300 });
      await look();
    }
    expect(events.length).toBe(2);
    one.asked(1000, 0.4, { evictions: 300 });
    await look();
    expect(limit()).toBe(150 * KiB);
  });

  it('is on trial until it was asked often enough', async () => {
    const one = fakeCache();
    const { look, calm, limit, events } = openTestTuning([one]);
    await calm();
    one.asked(1000, 0.4, { evictions: 300 });
    await look();
    await look();
    for (let i = 0; i < 4; i++) {
      one.asked(24, 0);
      await look();
      expect(limit()).toBe(150 * KiB);
    }
    one.asked(24, 0);
    await look();
    expect(limit()).toBe(100 * KiB);
    expect(events.length).toBe(2);
  });

  it('grows on while it still loses entries, for all may be missed until the last has room; and goes back from its bound', async () => {
    const one = fakeCache();
    const { look, calm, limit, tuning } = openTestTuning([one]);
    await calm();
    const seen: unknown[] = [];
    for (let i = 0; i < 9; i++) {
      one.asked(1000, 0, { evictions: 900 });
      one.figures.bytes = one.figures.max_bytes;
      await look();
      seen.push(Number(limit()) / KiB);
    }
    expect(seen).toEqual([150, 150, 225, 225, 337.5, 337.5, 400, 400, 100]);
    expect(tuning.state().changes[0]?.why).toBe('it did not help: hit ratio 0 % after 0 %');
  });

  it('keeps the step that helped at last', async () => {
    const one = fakeCache();
    const { look, calm, limit } = openTestTuning([one]);
    await calm();
    for (let i = 0; i < 4; i++) {
      one.asked(1000, 0, { evictions: 900 });
      await look();
    }
    one.asked(1000, 0.9);
    await look();
    await look();
    expect(limit()).toBe(225 * KiB);
  });

  it('never grows past its bound, nor past that of all caches together', async () => {
    const one = fakeCache();
    const other = fakeCache('row_ids');
    const { look, calm, limit, settings } = openTestTuning([one, other]);
    await calm();
    const growOnce = async (ratio: number) => {
      one.asked(1000, ratio, { evictions: 300 });
      one.figures.bytes = one.figures.max_bytes;
      await look();
      await look();
      one.asked(1000, ratio + 0.05);
      await look();
    };
    for (let i = 0; i < 10; i++) await growOnce(0.1 + i * 0.08);
    expect(limit()).toBe(400 * KiB);
    settings.max_factor = 100;
    for (let i = 0; i < 20; i++) await growOnce(0.01 + i * 0.04);
    expect(limit()).toBe(924 * KiB);
    expect(limit('max_bytes', 'row_ids')).toBe(100 * KiB);
  });

  it('gets room for more entries when those are what is short', async () => {
    const one = fakeCache();
    const { look, calm, limit } = openTestTuning([one]);
    Object.assign(one.figures, { entries: 1000, bytes: 20 * KiB });
    await calm();
    one.asked(1000, 0.4, { evictions: 300 });
    await look();
    expect([limit(), limit('max_entries')]).toEqual([100 * KiB, 1500]);
  });

  it('keeps entries for longer when they were asked for after their time', async () => {
    const one = fakeCache();
    const { look, calm, limit, tuning } = openTestTuning([one]);
    await calm();
    one.asked(1000, 0.4, { expirations: 300, evictions: 300 });
    await look();
    expect([limit('ttl_seconds'), limit()]).toEqual([600, 100 * KiB]);
    expect(tuning.state().changes[0]?.why).toContain('300 entries that were asked for had expired');
  });

  it('is left as it is when it was asked rarely, loses little, or is switched off', async () => {
    const one = fakeCache();
    const { look, calm, events } = openTestTuning([one]);
    await calm();
    one.asked(99, 0, { evictions: 99 });
    await look();
    one.asked(1000, 0.9, { evictions: 49, expirations: 49 });
    await look();
    one.turn(false);
    one.asked(1000, 0, { evictions: 1000 });
    await look();
    expect(events).toEqual([]);
  });
});

describe('while memory is short', () => {
  it('nothing grows; what has grown goes back at once, then to less, and later to what was configured', async () => {
    const one = fakeCache();
    const { clock, look, calm, limit, memory, tuning } = openTestTuning([one]);
    await calm();
    one.asked(1000, 0.4, { evictions: 300 });
    await look();
    memory.ratio = 0.85;
    await clock.advance(1000);
    expect(limit()).toBe(100 * KiB);
    expect(tuning.state().changes[0]?.why).toBe('memory at 85 %, above 80 %');
    for (const expected of [50, 25, 25]) {
      one.asked(1000, 0.4, { evictions: 300 });
      await look();
      expect(limit()).toBe(expected * KiB);
    }
    memory.ratio = 0.78;
    for (let i = 0; i < 10; i++) await look();
    expect(limit()).toBe(25 * KiB);
    memory.ratio = 0.75;
    await calm();
    expect(limit()).toBe(100 * KiB);
    expect(tuning.state().changes.find(({ why }) => why === 'memory has room again')).toBeDefined();
  });

  it('nothing grows before it was calm for three looks, nor while it is not known', async () => {
    const one = fakeCache();
    const { look, events, memory } = openTestTuning([one]);
    const loseMuch = async () => {
      one.asked(1000, 0.4, { evictions: 300 });
      await look();
    };
    await loseMuch();
    await loseMuch();
    memory.ratio = undefined;
    for (let i = 0; i < 5; i++) await loseMuch();
    memory.ratio = 0.76;
    for (let i = 0; i < 5; i++) await loseMuch();
    expect(events).toEqual([]);
    memory.ratio = 0.5;
    await loseMuch();
    await loseMuch();
    expect(events).toEqual([]);
    await loseMuch();
    expect(events.length).toBe(1);
  });
});

describe('switched off', () => {
  it('it changes nothing, and says what it would do', async () => {
    const one = fakeCache();
    const { look, calm, limit, tuning, events } = openTestTuning([one], { enabled: false });
    await calm();
    for (let i = 0; i < 3; i++) {
      one.asked(1000, 0.4, { evictions: 300 });
      await look();
    }
    expect(limit()).toBe(100 * KiB);
    expect(events).toEqual([]);
    expect(tuning.state().caches.query?.proposal).toEqual({
      limit: 'max_bytes',
      from: 100 * KiB,
      to: 150 * KiB,
      why: 'hit ratio 40 % of 1000 askings; 300 entries had to go for others',
    });
  });

  it('while it runs, every limit is as configured within a second or two, each said', async () => {
    const [one, other] = [fakeCache(), fakeCache('row_ids')];
    const { clock, look, calm, limit, settings, lines, tuning } = openTestTuning([one, other]);
    await calm();
    for (const each of [one, other]) each.asked(1000, 0.4, { evictions: 300 });
    await look();
    expect([limit(), limit('max_bytes', 'row_ids')]).toEqual([150 * KiB, 150 * KiB]);
    settings.enabled = false;
    await clock.advance(1000);
    expect([limit(), limit('max_bytes', 'row_ids')]).toEqual([100 * KiB, 100 * KiB]);
    expect(lines.slice(2).map(({ fields }) => fields.reason)).toEqual([
      'auto_tune was switched off',
      'auto_tune was switched off',
    ]);
    expect(tuning.state().caches.query?.proposal).toBeUndefined();
  });
});

it('an edit by hand ends the trial: it is neither judged nor taken back', async () => {
  const one = fakeCache();
  const { look, calm, limit, events } = openTestTuning([one]);
  await calm();
  one.asked(1000, 0.4, { evictions: 300 });
  await look();
  one.cache.sizes[0]?.set(120 * KiB);
  await look();
  one.asked(1000, 0.1);
  await look();
  expect(limit()).toBe(120 * KiB);
  expect(events.length).toBe(1);
});

it('a look that fails is said, and the next one goes on', async () => {
  const one = fakeCache();
  const { look, calm, limit, lines } = openTestTuning([one]);
  await calm();
  const { statistics } = one.cache;
  one.cache.statistics = () => {
    throw new Error('broken');
  };
  await look();
  expect(lines.map(({ message }) => message)).toContain('a look at the caches failed; their limits stay as they are');
  one.cache.statistics = statistics;
  one.asked(1000, 0.4, { evictions: 300 });
  await look();
  expect(limit()).toBe(150 * KiB);
});

it('keeps the latest fifty changes', async () => {
  const one = fakeCache();
  const { clock, look, calm, settings, tuning, events } = openTestTuning([one]);
  await calm();
  for (let i = 0; i < 30; i++) {
    one.asked(1000, 0.4, { evictions: 300 });
    await look();
    settings.enabled = false;
    await clock.advance(1000);
    settings.enabled = true;
  }
  expect(events.length).toBe(60);
  expect(tuning.state().changes.length).toBe(50);
});

it('closed, it looks no more', async () => {
  const one = fakeCache();
  const { look, calm, tuning, memory, clock, events } = openTestTuning([one]);
  await calm();
  tuning.close();
  one.asked(1000, 0.4, { evictions: 300 });
  await look();
  expect([events, memory.isClosed, clock.timers]).toEqual([[], true, 0]);
});
