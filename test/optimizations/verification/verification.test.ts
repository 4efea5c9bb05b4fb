import { describe, expect, it } from 'vitest';
import type { AnswerPair, Optimization } from '../../../src/optimization.js';
import { withFallback } from '../../../src/optimization.js';
import type { FlagEvent } from '../../../src/optimizations/index.js';
import { openTestFlags } from '../open-test-flags.js';

const all =
  'verification: {sample_rate: 1, at_least_every_seconds: 0, max_time_ratio: 1}\nauto_rollback: {enabled: false}\n';

/** A pair over one version of the data, whose ways answer as told. */
const pairOf = (
  optimised: string,
  original: string,
  changed: Partial<AnswerPair<string>> = {},
): AnswerPair<string> => ({
  check: {
    version: () => 'v1',
    difference: (one, other) => (one === other ? undefined : `${one.length} letters against ${other.length}`),
  },
  versionBefore: 'v1',
  optimised: { answer: optimised, seconds: 0.001 },
  original: () => original,
  ...changed,
});

const comparedIn = (events: FlagEvent[]) => events.filter((event) => event.type === 'compared');
const resultsIn = (events: FlagEvent[]) => comparedIn(events).map(({ result }) => result);

async function compared(...pairs: AnswerPair<string>[]) {
  const opened = await openTestFlags(all, undefined, { load: () => 0 });
  for (const pair of pairs) opened.flags.optimization('native_query').sample?.()?.compare(pair);
  await opened.flags.comparisonsDone();
  return opened;
}

describe('a comparison', () => {
  it('of equal answers keeps both times of the same request', async () => {
    const { flags, events } = await compared(pairOf('a', 'a'), pairOf('b', 'b'));
    expect(resultsIn(events)).toEqual(['equal', 'equal']);
    const saving = flags.savings().native_query;
    expect(saving).toMatchObject({
      samples: 2,
      unit: 'ms',
      optimized: { count: 2, mean_ms: 1 },
      distinguishable: false,
    });
    expect(saving.baseline.mean_ms).toBeGreaterThan(0);
    expect(saving.comparisons).toEqual({ equal: 2, mismatch: 0, skipped: 0, dropped: 0, failed: 0 });
  });

  it('takes the time that the original way took within the optimised one, where there was one', async () => {
    const optimised = { answer: 'a', seconds: 0.002, originalSeconds: 0.0015 };
    const { flags } = await compared(pairOf('a', 'a', { optimised }));
    const saving = flags.savings().native_query;
    expect([saving.baseline.mean_ms, saving.optimized.mean_ms]).toEqual([1.5, 2]);
  });

  it('of answers that differ counts, is logged without their contents, and gives no time', async () => {
    const { flags, lines } = await compared(pairOf('secret', 'other secret'));
    expect(flags.savings().native_query).toMatchObject({ samples: 0, saved_ms: null, interval: null });
    expect(flags.savings().native_query.comparisons.mismatch).toBe(1);
    const line = lines().find(({ level }) => level === 'error');
    expect(line).toMatchObject({ flag: 'native_query', difference: '6 letters against 12', mismatches: 1 });
    expect(JSON.stringify(lines())).not.toContain('secret');
  });

  it('is told in the log at most once a minute for each flag, whatever becomes of the others', async () => {
    const { flags, clock, lines } = await openTestFlags(all, undefined, { load: () => 0 });
    const compare = async (name: 'native_query' | 'fast_json' | 'query_cache', pair: AnswerPair<string>) => {
      flags.optimization(name).sample?.()?.compare(pair);
      await flags.comparisonsDone();
    };
    const broken = pairOf('a', 'a', { original: () => Promise.reject(new Error('broken')) });
    for (const pair of [pairOf('a', 'b'), broken]) {
      for (const name of ['native_query', 'native_query', 'fast_json', 'native_query'] as const)
        await compare(name, pair);
    }
    clock.pass(60_000);
    await compare('query_cache', pairOf('a', 'b'));
    await compare('native_query', pairOf('a', 'b'));
    await compare('native_query', broken);
    const told = lines().map(({ level, flag, mismatches, failures }) => [level, flag, mismatches ?? failures]);
    expect(told).toEqual([
      ['error', 'native_query', 1],
      ['error', 'fast_json', 1],
      ['warn', 'native_query', 1],
      ['warn', 'fast_json', 1],
      ['error', 'query_cache', 1],
      ['error', 'native_query', 3],
      ['warn', 'native_query', 3],
    ]);
  });

  it('of a wrong answer whose fault lies beneath is not counted against the flag, once that was found', async () => {
    const asked: string[] = [];
    const isFromBeneath = (is: boolean | undefined) => async (original: string) => {
      asked.push(original);
      if (is === undefined) throw new Error('cannot be found out');
      return is;
    };
    const pairs = [true, false, undefined].map((is) =>
      pairOf('wrong', 'right', { check: { ...pairOf('', '').check, isFromBeneath: isFromBeneath(is) } }),
    );
    const { events } = await compared(...pairs, pairOf('right', 'right', { check: pairs[0]!.check }));
    expect(resultsIn(events)).toEqual(['skipped', 'mismatch', 'mismatch', 'equal']);
    expect(asked).toEqual(['right', 'right', 'right']);
  });

  it('is skipped when the data changed before, between or after the answers, or its version is not known', async () => {
    const versions = ['v1', 'v2'].values();
    const changing = pairOf('a', 'b').check;
    const { events } = await compared(
      pairOf('a', 'b', { versionBefore: undefined }),
      pairOf('a', 'b', { versionBefore: 'v0' }),
      pairOf('a', 'b', { check: { ...changing, version: () => versions.next().value } }),
    );
    expect(resultsIn(events)).toEqual(['skipped', 'skipped', 'skipped']);
  });

  it.each([
    ['a', 'equal'],
    ['b', 'mismatch'],
    [undefined, 'skipped'],
  ])('of data that has changed since is made with what its version held, if it can be: %s', async (held, result) => {
    const asked: string[] = [];
    const lookAt = (version: string) => {
      asked.push(version);
      return held;
    };
    const check = { ...pairOf('', '').check, version: () => 'v2', look: () => 'newer', lookAt };
    const { events } = await compared(pairOf('a', 'newer', { check, versionBefore: 'v1', versionAfter: 'v1' }));
    expect(resultsIn(events)).toEqual([result]);
    expect(new Set(asked)).toEqual(new Set(['v1']));
  });

  it('of an answer that may come from either of two versions is skipped', async () => {
    const check = { ...pairOf('', '').check, version: () => 'v2', look: () => 'b', lookAt: () => 'b' };
    const { events } = await compared(pairOf('a', 'b', { check, versionBefore: 'v1', versionAfter: 'v2' }));
    expect(resultsIn(events)).toEqual(['skipped']);
  });

  it('is skipped when the original way does not agree with itself', async () => {
    const answers = ['b', 'a'].values();
    const { events } = await compared(pairOf('a', '', { original: () => answers.next().value ?? '' }));
    expect(resultsIn(events)).toEqual(['skipped']);
  });

  it('that breaks is counted and harms nobody', async () => {
    const broken = new Error('broken');
    const { events, flags } = await compared(
      pairOf('a', 'a', { original: () => Promise.reject(broken) }),
      pairOf('a', 'a'),
    );
    expect(resultsIn(events)).toEqual(['failed', 'equal']);
    expect(flags.optimization('native_query').enabled).toBe(true);
  });

  it('that asks both ways afterwards takes turns in who goes first', async () => {
    for (const [random, order] of [
      [0, ['original', 'optimised']],
      [0.9, ['optimised', 'original']],
    ] as const) {
      const asked: string[] = [];
      const { flags } = await openTestFlags(all, undefined, { load: () => 0, random: () => random });
      const note = (way: string) => () => {
        asked.push(way);
        return 'same';
      };
      flags
        .optimization('scalar_indexes')
        .sample?.()
        ?.compare(
          pairOf('', '', { optimised: note('optimised'), original: note('original'), versionBefore: undefined }),
        );
      await flags.comparisonsDone();
      expect(asked).toEqual(order);
      expect(flags.savings().scalar_indexes.samples).toBe(1);
    }
  });

  it('of what a part has compared itself counts the same, and a difference turns the flag off', async () => {
    const { flags, events } = await openTestFlags('verification: {sample_rate: 1}\n');
    const flag = flags.optimization('l2_cache');
    flag.checked?.(undefined);
    flag.checked?.('9 bytes that are not what was written');
    expect(resultsIn(events)).toEqual(['equal', 'mismatch']);
    expect(flags.list().l2_cache.reason).toContain('(9 bytes that are not what was written)');
    flag.checked?.('while it is off');
    await flags.stopComparing();
    expect(flags.savings().l2_cache.comparisons).toMatchObject({ equal: 1, mismatch: 1 });
  });

  it('that finds a wrong answer has what was kept put right, after the flag is off', async () => {
    const { flags, events } = await openTestFlags('verification: {sample_rate: 1}\n', undefined, { load: () => 0 });
    const done: string[] = [];
    const putRight = (optimised: string, original: string) => {
      done.push(`${optimised} ${original} ${flags.list().native_query.effective}`);
      throw new Error('broken');
    };
    const check = { ...pairOf('', '').check, putRight };
    flags
      .optimization('native_query')
      .sample?.()
      ?.compare(pairOf('wrong', 'right!', { check }));
    await flags.comparisonsDone();
    expect(done).toEqual(['wrong right! false']);
    expect(resultsIn(events)).toEqual(['mismatch', 'failed']);
  });

  it('of answers only leaves the times out', async () => {
    const { flags } = await compared(pairOf('a', 'a', { check: { ...pairOf('', '').check, isTimed: false } }));
    expect(flags.savings().native_query).toMatchObject({ samples: 0, comparisons: { equal: 1 } });
  });
});

describe('which answers are compared', () => {
  const sampled = (flag: Optimization<unknown>, times: number) =>
    Array.from({ length: times }, () => flag.sample?.()).filter((trial) => trial !== undefined).length;

  it('is a share of them, by chance', async () => {
    let seed = 1;
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    const { flags } = await openTestFlags('verification: {sample_rate: 0.01}\n', undefined, { random });
    const count = sampled(flags.optimization('canvas_cache'), 100_000);
    expect(count).toBeGreaterThan(900);
    expect(count).toBeLessThan(1100);
  });

  it('is none with a share of 0, all with 1, and follows the file', async () => {
    const { flags, write, settle } = await openTestFlags('verification: {sample_rate: 0}\n');
    const flag = flags.optimization('canvas_cache');
    settle();
    settle();
    settle();
    expect(sampled(flag, 1000)).toBe(0);
    write('verification: {sample_rate: 1}\n');
    settle();
    expect(sampled(flag, 10)).toBe(10);
  });

  it('is the next one, too, when none was compared for a while', async () => {
    const { flags, clock, events } = await openTestFlags('verification: {sample_rate: 0.000001}\n', undefined, {
      random: () => 0.999,
      load: () => 1,
    });
    const flag = flags.optimization('native_query');
    expect(sampled(flag, 100)).toBe(0);
    clock.pass(5000);
    expect(sampled(flag, 1)).toBe(1);
    flag.sample?.()?.compare(pairOf('a', 'a'));
    await flags.comparisonsDone();
    expect(resultsIn(events)).toEqual(['equal']);
    expect(sampled(flag, 100)).toBe(0);
  });

  it('leaves out what would ask another server, unless that is allowed', async () => {
    const { flags, write, settle } = await openTestFlags(all);
    const flag = flags.optimization('graph_cache');
    expect(flag.sample?.(true)).toBeUndefined();
    write('verification: {sample_rate: 1, external: true}\n');
    settle();
    expect(flag.sample?.(true)).toBeDefined();
  });
});

describe('comparisons stay within their bounds', () => {
  const open = (settings: string, load = 0) =>
    openTestFlags(`verification: {sample_rate: 1, at_least_every_seconds: 0, ${settings}}\n`, undefined, {
      load: () => load,
    });
  const compare = (flags: Awaited<ReturnType<typeof open>>['flags'], pair: AnswerPair<string>) =>
    flags.optimization('native_query').sample?.()?.compare(pair);

  it('one at a time, a short queue, the rest dropped and counted', async () => {
    const { flags, events } = await open('max_waiting: 2, max_time_ratio: 1');
    let running = 0;
    let most = 0;
    const original = async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
      return 'a';
    };
    for (let i = 0; i < 10; i++) compare(flags, pairOf('a', 'a', { original }));
    await flags.comparisonsDone();
    expect(most).toBe(1);
    expect(resultsIn(events).filter((result) => result === 'dropped')).toHaveLength(8);
    expect(resultsIn(events).filter((result) => result === 'equal')).toHaveLength(2);
  });

  it('a full queue of others does not keep out a flag that is due', async () => {
    const { flags, clock, events } = await openTestFlags(
      'verification: {sample_rate: 1, max_waiting: 2}\nauto_rollback: {enabled: false}\n',
      undefined,
      { load: () => 0 },
    );
    let answer = () => {};
    const blocked = new Promise<string>((resolve) => {
      answer = () => resolve('a');
    });
    const take = (flag: 'fast_json' | 'native_query', original: () => Promise<string> | string) =>
      flags
        .optimization(flag)
        .sample?.()
        ?.compare(pairOf('a', 'a', { original }));
    clock.pass(6000);
    take('native_query', () => blocked);
    await new Promise(setImmediate);
    for (let i = 0; i < 4; i++) take('native_query', () => 'a');
    take('fast_json', () => 'other');
    answer();
    await flags.comparisonsDone();
    const ofFastJson = comparedIn(events).filter(({ flag }) => flag === 'fast_json');
    expect(ofFastJson.map(({ result }) => result)).toEqual(['mismatch']);
    expect(resultsIn(events).filter((result) => result === 'dropped')).not.toEqual([]);
  });

  it('a cheaper look in between where the original way is too dear to be asked as often', async () => {
    let load = 0;
    const { flags, clock, events } = await openTestFlags(
      'verification: {sample_rate: 0.000001, max_time_ratio: 0.001}\n',
      undefined,
      { random: () => 0.999, load: () => load },
    );
    const asked: string[] = [];
    const way = (name: string) => async () => {
      asked.push(name);
      // A whole comparison costs 20 ms of the processor, however long that takes here.
      const { user } = process.cpuUsage();
      while (name === 'original' && process.cpuUsage().user - user < 20_000);
      return name === 'wrong look' ? 'b' : 'a';
    };
    const compare = (look: string) => {
      const check = { ...pairOf('', '').check, look: way(look) };
      flags
        .optimization('native_query')
        .sample?.()
        ?.compare(pairOf('a', 'a', { check, original: way('original') }));
      return flags.comparisonsDone();
    };
    for (let i = 0; i < 3; i++) {
      clock.pass(5000);
      await compare('look');
    }
    expect(asked).toEqual(['look', 'original', 'look', 'look']);
    expect(flags.savings().native_query).toMatchObject({ samples: 1, comparisons: { equal: 3 } });
    // Long enough for what other threads of this process used meanwhile, which counts too.
    clock.pass(1_000_000);
    await compare('look');
    clock.pass(5000);
    await compare('look');
    expect(asked.slice(4)).toEqual(['look', 'original', 'look']);
    load = 1;
    clock.pass(60_000);
    await compare('look');
    expect(asked.slice(7)).toEqual(['look']);
    clock.pass(5000);
    const check = { ...pairOf('', '').check, difference: () => 'other', look: way('look') };
    flags
      .optimization('native_query')
      .sample?.()
      ?.compare(pairOf('a', 'a', { check }));
    await flags.comparisonsDone();
    expect(resultsIn(events).at(-1)).toBe('mismatch');
  });

  it('none while the event loop is busy', async () => {
    const { flags, clock, events } = await open('max_load_ratio: 0.5', 0.6);
    clock.pass(1000);
    compare(flags, pairOf('a', 'a'));
    expect(resultsIn(events)).toEqual(['dropped']);
  });

  it('a rest after each, as long as it takes to keep to their share of the time', async () => {
    const { flags, clock, events } = await open('max_time_ratio: 0.001');
    compare(flags, pairOf('a', 'a'));
    await flags.comparisonsDone();
    compare(flags, pairOf('a', 'a'));
    expect(resultsIn(events)).toEqual(['equal', 'dropped']);
    clock.pass(60_000);
    compare(flags, pairOf('a', 'a'));
    await flags.comparisonsDone();
    expect(resultsIn(events)).toEqual(['equal', 'dropped', 'equal']);
  });

  it('no answer waits that would hold too much memory', async () => {
    const { flags, events } = await open('max_time_ratio: 1');
    const check = { ...pairOf('', '').check, bytesOf: () => 33 * 1024 * 1024 };
    compare(flags, pairOf('a', 'a', { check }));
    expect(resultsIn(events)).toEqual(['dropped']);
  });

  it.each(['native_query', 'scalar_indexes'])('none of answers from before a switch of %s', async (switched) => {
    const { flags, events } = await open('max_time_ratio: 1');
    compare(flags, pairOf('a', 'b'));
    compare(flags, pairOf('a', 'b'));
    const begunBefore = flags.optimization('native_query').sample?.();
    flags.set(switched, false);
    flags.set(switched, true);
    begunBefore?.compare(pairOf('a', 'b'));
    await flags.comparisonsDone();
    expect(begunBefore).toBeDefined();
    expect(resultsIn(events)).toEqual([]);
    expect(flags.optimization('native_query').enabled).toBe(true);
  });

  it('none after they were stopped, which waits for the one that runs', async () => {
    const { flags, events } = await open('max_time_ratio: 1');
    let isDone = false;
    const original = async () => {
      await new Promise(setImmediate);
      isDone = true;
      return 'a';
    };
    compare(flags, pairOf('a', 'a', { original }));
    await new Promise(setImmediate);
    await flags.stopComparing();
    compare(flags, pairOf('a', 'a'));
    expect(isDone).toBe(true);
    expect(events.filter(({ type }) => type === 'compared')).toEqual([]);
  });
});

describe('withFallback', () => {
  const check = pairOf('', '').check;

  it('answers first and asks the original way afterwards', async () => {
    const { flags, events } = await openTestFlags(all, undefined, { load: () => 0 });
    const asked: string[] = [];
    const answer = await withFallback(
      flags.optimization('native_query'),
      () => 'optimised',
      () => {
        asked.push('original');
        return 'optimised';
      },
      check,
    );
    expect(answer).toBe('optimised');
    expect(asked).toEqual([]);
    await flags.comparisonsDone();
    expect(asked).toEqual(['original']);
    expect(resultsIn(events)).toEqual(['equal']);
  });

  it('tells the version after the answer as well where an earlier one can be looked at', async () => {
    const { flags, events } = await openTestFlags(all, undefined, { load: () => 0 });
    const versions = ['v1', 'v1', 'v2'].values();
    const version = () => versions.next().value ?? 'v2';
    const flag = flags.optimization('native_query');
    const lookAt = (asked: string) => (asked === 'v1' ? 'b' : undefined);
    await withFallback(
      flag,
      () => 'a',
      () => 'a',
      { ...check, version, look: () => 'a', lookAt },
    );
    await flags.comparisonsDone();
    expect(resultsIn(events)).toEqual(['mismatch']);
  });

  it('answers also when the version of the data cannot be told', async () => {
    const { flags, events } = await openTestFlags(all, undefined, { load: () => 0 });
    const broken = { ...check, version: () => Promise.reject(new Error('gone')) };
    const flag = flags.optimization('native_query');
    expect(
      await withFallback(
        flag,
        () => 'a',
        () => 'b',
        broken,
      ),
    ).toBe('a');
    await flags.comparisonsDone();
    expect(resultsIn(events)).toEqual(['skipped']);
  });
});
