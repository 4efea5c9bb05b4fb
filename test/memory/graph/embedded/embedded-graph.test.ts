import { describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase } from '../../../../src/lance/index.js';
import { createLogger } from '../../../../src/logger.js';
import { createBuiltinEmbedder } from '../../../../src/memory/embeddings/builtin-embedder.js';
import { type EmbeddedGraphOptions, openEmbeddedGraph } from '../../../../src/memory/graph/embedded/embedded-graph.js';
import type { GraphEvent } from '../../../../src/memory/graph/graph-event.js';
import { atOnce, type InBackground } from '../../../../src/scheduler/index.js';
import { temporaryFolder } from '../../../support/folder.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { graphContract } from '../graph-contract.js';

async function openGraph(options: Partial<EmbeddedGraphOptions> = {}) {
  const events: GraphEvent[] = [];
  const memory = await openEmbeddedGraph({
    lanceUri: options.lanceUri ?? (await temporaryFolder()),
    embedder: createBuiltinEmbedder(64),
    logger: createLogger('silent'),
    onEvent: (event) => events.push(event),
    after: () => () => {},
    ...options,
  });
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= memory.close();
    return closing;
  };
  onTestFinished(close);
  return { memory: { ...memory, close }, events };
}

const lemma = (content: string, more: object = {}) => ({ groupId: 'g', content, metadata: {}, ...more });

describe('the embedded graph memory', () => {
  graphContract(async () => {
    const { memory } = await openGraph();
    return { memory, settle: memory.upkeep };
  });

  it('keeps everything over a restart, the versions of groups too', async () => {
    const lanceUri = await temporaryFolder();
    const { memory } = await openGraph({ lanceUri });
    await memory.add(lemma('一个引理', { metadata: { page: 7 } }));
    await memory.add({ groupId: 'h', content: 'another', metadata: {} });
    const versions = [await memory.version(['g']), await memory.version([])];
    await memory.close();
    const { memory: again } = await openGraph({ lanceUri });
    expect([await again.version(['g']), await again.version([])]).toEqual(versions);
    const [found] = await again.search({ text: '引理', limit: 5, groupIds: [] });
    expect(found).toMatchObject({ fact: '一个引理', metadata: { page: 7 }, source: null, target: null });
  });

  it('loads indexes and searches at start for what is there, without asking the model or telling anybody', async () => {
    const builtin = createBuiltinEmbedder(64);
    let calls = 0;
    const embedder = {
      ...builtin,
      embed(...given: Parameters<typeof builtin.embed>) {
        calls += 1;
        return builtin.embed(...given);
      },
    };
    const { memory, events } = await openGraph({ embedder });
    expect(await memory.prewarmSteps?.()).toEqual([]);
    for (let i = 0; i < 7; i++) await memory.add(lemma(`第 ${i} 个引理`));
    await memory.upkeep();
    const [before, told] = [calls, events.length];
    const steps = (await memory.prewarmSteps?.()) ?? [];
    expect(steps.at(-1)?.name).toBe('graph memory: searches');
    expect(new Set(steps.slice(0, -1).map(({ name }) => name))).toEqual(
      new Set(['id', 'group_id', 'subject', 'statement', 'fact'].map((column) => `memory_facts: index ${column}_idx`)),
    );
    for (const step of steps) await step.run();
    expect([calls, events.length]).toEqual([before, told]);
  });

  it('gives names, relation in words, and the metadata of a triplet', async () => {
    const { memory } = await openGraph();
    const triplets = [{ source: '牛顿', relation: '发明了', target: '微积分', exclusive: false }];
    const added = await memory.add(lemma('课堂笔记', { triplets, metadata: { canvas: 'math.canvas' } }));
    expect(added).toMatchObject({ state: 'stored', facts: 1, factsFrom: 'triplets', ignored: [] });
    const [found] = await memory.search({ text: '谁发明了微积分', limit: 5, groupIds: ['g'] });
    expect(found).toMatchObject({ source: '牛顿', target: '微积分', fact: '牛顿 发明了 微积分', episodeId: added.id });
    expect(found?.metadata).toEqual({ canvas: 'math.canvas' });
  });

  it('confirms a fact that is told again; it goes with the last episode that told it', async () => {
    const { memory } = await openGraph();
    const first = await memory.add(lemma('primes are infinite'));
    const second = await memory.add(lemma('Primes are  infinite'));
    const search = () => memory.search({ text: 'primes', limit: 5, groupIds: ['g'] });
    expect(await search()).toHaveLength(1);
    await memory.deleteEpisode(first.id);
    expect((await search())[0]?.episodeId).toBe(second.id);
    await memory.deleteEpisode(second.id);
    expect(await search()).toEqual([]);
  });

  it('takes facts from the model, or the text itself when the model fails or finds none', async () => {
    const answers: (() => unknown)[] = [
      () => ({
        facts: [
          {
            source: 'Euler',
            relation: 'proved',
            target: 'Basel',
            fact: 'Euler proved the Basel sum',
            valid_at: '1735-01-01T00:00:00Z',
            invalid_at: null,
            only_one_target_at_a_time: false,
          },
        ],
      }),
      () => {
        throw new Error('away');
      },
      () => ({ facts: [] }),
    ];
    const { memory, events } = await openGraph({ askModel: async () => answers.shift()?.() });
    const froms: string[] = [];
    for (const text of ['a note on Euler', 'a note on Gauss', 'a note on Riemann']) {
      froms.push((await memory.add(lemma(text))).factsFrom);
    }
    expect(froms).toEqual(['model', 'content', 'content']);
    expect(events.filter(({ type }) => type === 'extraction_failed')).toHaveLength(1);
    const [euler] = await memory.search({ text: 'Basel', limit: 1, groupIds: ['g'] });
    expect(euler).toMatchObject({ fact: 'Euler proved the Basel sum', validAt: Date.parse('1735-01-01T00:00:00Z') });
    expect((await memory.search({ text: 'Gauss', limit: 1, groupIds: ['g'] }))[0]?.fact).toBe('a note on Gauss');
  });

  it('stores and finds by words while the embedder is away, and makes the vectors later', async () => {
    const builtin = createBuiltinEmbedder();
    let isAway = true;
    const embedder = {
      ...builtin,
      embed: (texts: readonly string[]) => (isAway ? Promise.reject(new Error('away')) : builtin.embed(texts)),
    };
    const { memory, events } = await openGraph({ embedder });
    await memory.add(lemma('eigenvalues of symmetric matrices are real'));
    expect(await memory.search({ text: 'eigenvalues', limit: 5, groupIds: ['g'] })).toHaveLength(1);
    expect(memory.isSettling(['g'])).toBe(true);
    expect(events.map(({ type }) => type)).toContain('vectors_missing');
    isAway = false;
    // No word in common, but parts of words.
    expect(await memory.search({ text: 'eigenvalue symmetrical', limit: 5, groupIds: ['g'] })).toHaveLength(0);
    await memory.upkeep();
    await memory.upkeep();
    expect(memory.isSettling(['g'])).toBe(false);
    expect(await memory.search({ text: 'eigenvalue symmetrical', limit: 5, groupIds: ['g'] })).toHaveLength(1);
  });

  it('makes vectors anew for another model, and drops those of the former', async () => {
    const lanceUri = await temporaryFolder();
    const { memory } = await openGraph({ lanceUri });
    await memory.add(lemma('topology of surfaces'));
    await memory.close();
    let turns = 0;
    const inBackground: InBackground = (work, given) => {
      turns++;
      return atOnce(work, given);
    };
    const { memory: other } = await openGraph({ lanceUri, embedder: createBuiltinEmbedder(128), inBackground });
    await other.upkeep();
    await other.upkeep();
    expect(turns).toBe(1);
    expect(await other.search({ text: 'topological surface', limit: 5, groupIds: ['g'] })).toHaveLength(1);
    await other.close();
    const database = await openDatabase(lanceUri);
    expect(await database.tableNames('memory_fact_vectors_')).toHaveLength(1);
    database.close();
  });

  it('joins its pieces behind the scenes and loses nothing by it', async () => {
    const { memory } = await openGraph();
    const target = (i: number) => ({ source: 's', relation: 'has', target: `part${i}`, exclusive: false });
    for (let part = 0; part < 3; part++) {
      const triplets = Array.from({ length: 250 }, (_, i) => target(part * 250 + i));
      await memory.add(lemma('parts', { triplets }));
    }
    await memory.upkeep();
    const [found] = await memory.search({ text: 'part700', limit: 1, groupIds: ['g'] });
    expect(found?.target).toBe('part700');
    expect(await memory.storageBytes()).toBeGreaterThan(1000);
  });

  it('begins its upkeep a while after a change, and again after one that failed', async () => {
    const clock = new ManualClock();
    const builtin = createBuiltinEmbedder(64);
    let isAway = false;
    const embedder = {
      ...builtin,
      embed: (texts: readonly string[]) => (isAway ? Promise.reject(new Error('away')) : builtin.embed(texts)),
    };
    const { memory } = await openGraph({ embedder, after: (ms, work) => clock.after(ms, work) });
    await memory.upkeep();
    await memory.add(lemma('one'));
    await memory.add(lemma('two'));
    expect(clock.dueInMs).toEqual([5000]);
    await clock.advance(5000);
    await memory.upkeep();
    isAway = true;
    await memory.add(lemma('three'));
    expect([clock.dueInMs, memory.isSettling([])]).toEqual([[60_000], true]);
    isAway = false;
    await clock.advance(60_000);
    await memory.upkeep();
    expect(memory.isSettling([])).toBe(false);
  });

  it('leaves missing vectors for the next start where the service stops before their turn', async () => {
    const builtin = createBuiltinEmbedder(64);
    const embedder = { ...builtin, embed: () => Promise.reject(new Error('away')) };
    const stopping = Object.assign(new Error('stopping'), { code: 'SCHEDULER_CLOSED' });
    const { memory, events } = await openGraph({ embedder, inBackground: () => Promise.reject(stopping) });
    await memory.upkeep();
    await memory.add(lemma('one'));
    await memory.upkeep();
    expect(memory.isSettling([])).toBe(true);
    expect(events.map(({ type }) => type)).not.toContain('upkeep_failed');
  });

  it('takes nothing more once it is closing', async () => {
    const { memory } = await openGraph();
    await memory.close();
    await expect(memory.add(lemma('late'))).rejects.toMatchObject({ code: 'GRAPH_CLOSED' });
  });
});
