import { describe, expect, it } from 'vitest';
import { createCachedSearch, type KeptAnswer } from '../../../../src/memory/graph/cache/cached-search.js';
import type { Fact, FactQuery } from '../../../../src/memory/graph/graph-memory.js';
import { comparedFlag } from '../../../support/compared-flag.js';

const settings = { ttl_seconds: 600, empty_ttl_seconds: 60, pending_ttl_seconds: 20, max_stale_seconds: 3600 };
const query: FactQuery = { text: 'q', limit: 5, groupIds: ['g'] };
const fact = (text: string) => ({ id: text, fact: text, score: 1, source: undefined }) as unknown as Fact;

/** The cache over a memory whose facts, state and kept answers a test may change. */
function tried({ canTell = true, mayAsk = true } = {}) {
  const { flag, outcomes } = comparedFlag(settings);
  const memory = { facts: [fact('a'), fact('b')], state: '1' as string | undefined, asked: 0 };
  const search = async () => {
    memory.asked += 1;
    return memory.facts;
  };
  const held = new Map<string, KeptAnswer>();
  const cached = createCachedSearch({
    graph: {
      identity: 'test',
      seesAllChanges: canTell,
      version: () => 'v',
      isSettling: () => false,
      search,
      ...(canTell && { state: async () => memory.state }),
    },
    askMemory: mayAsk ? search : undefined,
    store: {
      get: async (key) => held.get(key),
      set: (key, answer) => void held.set(key, JSON.parse(JSON.stringify(answer))),
      clear: () => held.clear(),
    },
    flag,
  });
  const ask = async () => (await cached.search(query)).cache;
  const results = async () => (await outcomes()).map(({ outcome }) => outcome);
  const spoil = (change: (answer: KeptAnswer) => object) => {
    for (const [key, answer] of held) held.set(key, { ...answer, ...change(answer) });
  };
  return { memory, held, ask, results, outcomes, spoil };
}

describe('answers of the graph cache', () => {
  it('are compared with those of the memory, with the times of both', async () => {
    const { memory, ask, results } = tried();
    expect([await ask(), await ask()]).toEqual(['miss', 'hit']);
    expect(await results()).toMatchObject([
      { result: 'equal', times: {} },
      { result: 'equal', times: {} },
    ]);
    expect(memory.asked).toBe(3);
  });

  it('are wrong when a fact differs or is missing; then nothing that was kept is used any more', async () => {
    const { ask, results, outcomes, spoil, held } = tried();
    await ask();
    await results();
    spoil(({ facts }) => ({ facts: facts.map((one) => ({ ...one, validAt: 1 })) }));
    await ask();
    expect(await results()).toEqual([{ result: 'mismatch', difference: 'fact 1 of 2: another validAt' }]);
    spoil(({ facts }) => ({ facts: facts.slice(1) }));
    await ask();
    const [found] = await outcomes();
    expect(found?.outcome).toEqual({ result: 'mismatch', difference: '1 facts against 2' });
    await found?.putRight?.();
    expect(held.size).toBe(0);
    expect(await ask()).toBe('miss');
  });

  it('are left aside when facts or indexes are others than those they were made from', async () => {
    const { memory, ask, results } = tried();
    await ask();
    await results();
    memory.state = '2';
    memory.facts = [fact('c')];
    expect(await ask()).toBe('hit');
    expect(await results()).toEqual([{ result: 'skipped' }]);
  });

  it.each([
    ['of a memory that does not know all changes', { canTell: false }],
    ['that would take another server to make', { mayAsk: false }],
  ])('%s are compared with what was kept, and nobody is asked', async (_, given) => {
    const { memory, ask, results, spoil } = tried(given);
    await ask();
    await ask();
    memory.facts = [fact('c')];
    expect(await results()).toEqual([{ result: 'equal' }, { result: 'equal' }]);
    expect(memory.asked).toBe(1);
    spoil(() => ({ facts: [fact('a'), fact('x')] }));
    await ask();
    expect(await results()).toEqual([{ result: 'mismatch', difference: 'other facts than were kept' }]);
    spoil(() => ({ facts: [] }));
    await ask();
    expect(await results()).toEqual([{ result: 'mismatch', difference: '0 facts against 2 that were kept' }]);
  });
});
