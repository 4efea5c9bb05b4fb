/**
 * Answers of the graph memory, kept under what they depend on: the query in one form, the provider, the groups and their
 * versions. Equal searches at the same time are one. An answer that may soon be another, because something is still being
 * stored or nothing was found, is kept for a short while only. When the memory cannot be asked, an earlier answer to the
 * same query is given in its place, if it is young enough.
 */
import { createHash } from 'node:crypto';
import { Problem } from '../../../errors.js';
import type { Optimization } from '../../../optimization.js';
import type { Fact, FactQuery, GraphMemory } from '../graph-memory.js';
import { compareAnswers } from './answer-comparison.js';
import type { GraphAnswer, GraphSearch } from './graph-search.js';

/**
 * `graph_cache`: how long an answer is good, one without facts, one of a group that is still storing; and how old an
 * answer may be that is given while the memory is away.
 * @source product contract, Optimisations (`graph_cache`)
 */
export interface GraphCacheSettings {
  ttl_seconds: number;
  empty_ttl_seconds: number;
  pending_ttl_seconds: number;
  max_stale_seconds: number;
}

/**
 * An answer as it is kept: when (epoch milliseconds), and until when it is good (null: until the data changes); what it was
 * made from, where the memory can tell.
 * @source story-17.4 ADR-0007 (memory_results)
 */
export interface KeptAnswer {
  facts: readonly Fact[];
  keptAt: number;
  goodUntil: number | null;
  state?: string | undefined;
}

/** Where answers are kept; it may forget at any time. @source story-17.4 ADR-0007 (memory_results) */
export interface AnswerStore {
  get(key: string): Promise<KeptAnswer | undefined>;
  /** `ttlMs` shortens its life. */
  set(key: string, answer: KeptAnswer, ttlMs?: number): void;
  /** Drops all. */
  clear?(): void;
}

/** @source product contract, Optimisations (`graph_cache`) */
export interface CachedSearchOptions {
  graph: Pick<GraphMemory, 'identity' | 'seesAllChanges' | 'version' | 'isSettling' | 'state' | 'search'>;
  /** Searches for comparisons, which are no requests; without it the memory is not asked for them. */
  askMemory?: GraphMemory['search'] | undefined;
  store: AnswerStore;
  flag: Optimization<GraphCacheSettings>;
  /** Epoch milliseconds. */
  now?(): number;
}

/** @source product contract, Optimisations (`graph_cache`); story-17.4 task 4 */
export function createCachedSearch(options: CachedSearchOptions): GraphSearch {
  const { graph, store, flag, now = Date.now } = options;
  const running = new Map<string, Promise<MadeAnswer>>();
  const comparison = compareAnswers({
    graph,
    askMemory: options.askMemory,
    flag,
    putRight() {
      comparison.forget();
      store.clear?.();
    },
  });

  /** A cache that fails costs time and nothing else. */
  async function lookUp(key: string): Promise<KeptAnswer | undefined> {
    try {
      return await store.get(key);
    } catch (error) {
      flag.failed(error);
      return undefined;
    }
  }

  function keep(key: string, facts: readonly Fact[], ttlMs: number | undefined, state?: string): void {
    const answer = { facts, keptAt: now(), goodUntil: ttlMs === undefined ? null : now() + ttlMs, state };
    comparison.kept(key, facts);
    try {
      store.set(key, answer, ttlMs);
    } catch (error) {
      flag.failed(error);
    }
  }

  /** How long the answer is good; undefined: as long as the store keeps it, for a change gives it another key. */
  function lifeOf(facts: readonly Fact[], isSettling: boolean): number | undefined {
    const { ttl_seconds, empty_ttl_seconds, pending_ttl_seconds } = flag.settings;
    const lives = [
      ...(graph.seesAllChanges ? [] : [ttl_seconds]),
      ...(facts.length === 0 ? [empty_ttl_seconds] : []),
      ...(isSettling ? [pending_ttl_seconds] : []),
    ];
    return lives.length === 0 ? undefined : Math.min(...lives) * 1000;
  }

  async function ask(query: FactQuery, key: string, lastKey: string): Promise<MadeAnswer> {
    const isSettling = graph.isSettling(query.groupIds);
    const stateBefore = await stateOf();
    const startedAt = performance.now();
    let facts: Fact[];
    try {
      facts = await graph.search(query);
    } catch (error) {
      const isAway = error instanceof Problem && (error.kind === 'unavailable' || error.kind === 'upstream_failed');
      const last = isAway ? await lookUp(lastKey) : undefined;
      if (!last || now() - last.keptAt > flag.settings.max_stale_seconds * 1000) throw error;
      return { facts: last.facts, cache: 'stale' };
    }
    const originalSeconds = secondsSince(startedAt);
    const state = (await stateOf()) === stateBefore ? stateBefore : undefined;
    keep(key, facts, lifeOf(facts, isSettling), state);
    // Only where the memory may be away while this process runs.
    if (!graph.seesAllChanges) keep(lastKey, facts, flag.settings.max_stale_seconds * 1000);
    return { facts, cache: 'miss', state, originalSeconds };
  }

  /** For comparisons only, so no reason to fail a search. */
  const stateOf = async () => graph.state?.().catch(() => undefined);

  return {
    async search(query) {
      const startedAt = performance.now();
      const form = formOf(graph.identity, query);
      const version = await graph.version(query.groupIds);
      const key = hashOf([...form, version]);
      const shared = running.get(key);
      if (shared) return answerOf(await shared);
      const answer = (async (): Promise<MadeAnswer> => {
        const kept = await lookUp(key);
        const isGood = kept !== undefined && (kept.goodUntil === null || now() < kept.goodUntil);
        flag.counted?.({ unit: 'searches of the memory', optimised: isGood ? 0 : 1, original: 1 });
        if (isGood) return { facts: kept.facts, cache: 'hit', state: kept.state };
        return ask(query, key, hashOf([...form, 'last']));
      })().finally(() => running.delete(key));
      running.set(key, answer);
      const made = await answer;
      const { state, originalSeconds } = made;
      const given = answerOf(made);
      comparison.take({ key, query, answer: given, state, seconds: secondsSince(startedAt), originalSeconds });
      return given;
    },
  };
}

/** An answer, what it was made from, and how long the memory took where it was asked. */
interface MadeAnswer extends GraphAnswer {
  state?: string | undefined;
  originalSeconds?: number;
}

const answerOf = ({ facts, cache }: MadeAnswer): GraphAnswer => ({ facts, cache });
const secondsSince = (startedAt: number) => (performance.now() - startedAt) / 1000;

/** Equal for queries that mean the same. */
function formOf(identity: string, { text, limit, groupIds, asOf }: FactQuery): unknown[] {
  return [identity, text, limit, groupIds, asOf ?? null];
}

const hashOf = (parts: readonly unknown[]) => createHash('sha256').update(JSON.stringify(parts)).digest('hex');

/**
 * A query in the one form in which it is asked and remembered: composed characters, single spaces, groups in order.
 * @source Unicode UAX #15 (NFC); product contract, Optimisations (`graph_cache`: "a hash of the query")
 */
export function canonicalQuery({ text, limit, groupIds, asOf }: FactQuery): FactQuery {
  return {
    text: text.normalize('NFC').trim().replace(/\s+/g, ' '),
    limit,
    groupIds: [...new Set(groupIds)].sort(),
    asOf,
  };
}
