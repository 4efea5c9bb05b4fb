/**
 * Compares answers of the cache: with the memory's own, fact by fact, where an answer was made from the same state of facts
 * and indexes as is there now; else with what was put into the cache. So a cache that gives other facts than it was given is
 * found with any memory, also with one that is another server or that changes all the time, and nobody is asked for it.
 */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Optimization } from '../../../optimization.js';
import type { Fact, FactQuery, GraphMemory } from '../graph-memory.js';
import type { GraphAnswer } from './graph-search.js';

/** @source product contract, Optimisations (`graph_cache`, `verification.sample_rate`) */
export interface AnswerComparisonOptions {
  graph: Pick<GraphMemory, 'search' | 'state'>;
  /** Asks the memory without that being counted as a request; undefined where that would ask another server. */
  askMemory: GraphMemory['search'] | undefined;
  flag: Optimization<unknown>;
  /** Drops what is kept, after an answer was wrong. */
  putRight(): void;
}

/** An answer from the cache, or one that the memory was just asked for, and how. @source product contract, Promises 7 */
export interface GivenAnswer {
  key: string;
  query: FactQuery;
  answer: GraphAnswer;
  /** What it was made from, where that is known. */
  state: string | undefined;
  seconds: number;
  /** How long the memory took for it, where it was asked. */
  originalSeconds: number | undefined;
}

/** As many as there are answers in memory. */
const rememberedPrints = 2000;

/**
 * @returns `kept` is told of each answer that is put into the cache, `take` compares one that was given
 * @source product contract, Optimisations (`graph_cache`, `verification.sample_rate`)
 */
export function compareAnswers({ graph, askMemory, flag, putRight }: AnswerComparisonOptions) {
  const prints = new LRUCache<string, string>({ max: rememberedPrints });

  return {
    kept(key: string, facts: readonly Fact[]): void {
      prints.set(key, printOf(facts));
    },
    forget(): void {
      prints.clear();
    },
    /** An earlier answer in place of one that could not be had is right by design. */
    take(given: GivenAnswer): void {
      if (given.answer.cache === 'stale') return;
      const trial = flag.sample?.();
      if (!trial) return;
      const { key, query, state, seconds, originalSeconds } = given;
      const { facts } = given.answer;
      const print = prints.get(key);
      if (state !== undefined && askMemory) {
        trial.compare({
          check: { version: async () => graph.state?.(), difference: differenceOfFacts, putRight },
          versionBefore: state,
          optimised: { answer: facts, seconds, originalSeconds },
          original: () => askMemory(query),
        });
      } else if (print !== undefined) {
        trial.compare({
          check: { isTimed: false, version: () => key, difference: differenceOfPrints, putRight },
          versionBefore: key,
          optimised: { answer: printOf(facts), seconds },
          original: () => print,
        });
      }
    },
  };
}

/** Answers come back from the file as JSON, where undefined and absent are one. */
const textOf = (value: unknown) => JSON.stringify(value) ?? '';
const printOf = (facts: readonly Fact[]) =>
  `${facts.length} ${createHash('sha256').update(textOf(facts)).digest('base64')}`;

function differenceOfPrints(given: string, kept: string): string | undefined {
  if (given === kept) return undefined;
  const [some, others] = [given, kept].map((print) => print.split(' ')[0]);
  return some === others ? 'other facts than were kept' : `${some} facts against ${others} that were kept`;
}

function differenceOfFacts(optimised: readonly Fact[], original: readonly Fact[]): string | undefined {
  if (optimised.length !== original.length) return `${optimised.length} facts against ${original.length}`;
  for (const [place, fact] of original.entries()) {
    const given = optimised[place] as Fact;
    const names = new Set([...Object.keys(given), ...Object.keys(fact)]) as Set<keyof Fact>;
    for (const name of names) {
      if (textOf(given[name]) !== textOf(fact[name])) return `fact ${place + 1} of ${original.length}: another ${name}`;
    }
  }
  return undefined;
}
