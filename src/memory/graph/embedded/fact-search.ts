/**
 * Facts by words and by likeness at once, the two orders fused by reciprocal rank. Facts are found from the moment at
 * which they are stored; without vectors, by words alone.
 */
import { listLiteral, numberLiteral, readFresh, type Table, wholeTextQuery } from '../../../lance/index.js';
import type { Embedder } from '../../embeddings/embedder.js';
import type { Fact, FactQuery } from '../graph-memory.js';
import { readFactRows } from './fact-rows.js';
import type { FactVectors } from './fact-vectors.js';
import { type FactRow, factColumns } from './graph-tables.js';

/** @source product contract, Agents, memory ("full text + vector fused by reciprocal rank") */
export interface FactSearchOptions {
  facts: Table;
  vectors: FactVectors;
  embedder: Embedder;
  onVectorsMissing(): void;
}

/** Of the places in the two lists; the usual constant keeps the first place from outweighing all others. */
const rankConstant = 60;
/** Among facts that fit about as well, those that were ended come a few places later, unless a time was asked for. */
const endedWeight = 0.95;
/** Vectors of the built-in model that have nothing in common lie below. */
const minCosine = 0.2;
const minCandidates = 30;
const maxCandidates = 2000;
/** More words tell no more, and each makes the search dearer. */
const maxSearchedLength = 400;

/** @source product contract, Agents, memory (`POST /knowledge/search`) */
export interface FactSearch {
  /** @returns best first */
  search(query: FactQuery, signal?: AbortSignal): Promise<Fact[]>;
  /** Searches for a few facts that are there, by their words and by vectors that are there: no model is asked. */
  rehearse(): Promise<void>;
}

type VectorOfQuery = () => Promise<Float32Array | undefined>;

/** Of so many searches the first few are slow. */
const rehearsedSearches = 5;
const rehearsedResults = 10;

/** @source product contract, Agents, memory (`POST /knowledge/search`) */
export function createFactSearch({ facts, vectors, embedder, onVectorsMissing }: FactSearchOptions): FactSearch {
  async function byWords(query: FactQuery, count: number, where: string | undefined): Promise<FactRow[]> {
    return readFresh(facts, async () => {
      const found = wholeTextQuery(facts, query.text.slice(0, maxSearchedLength), ['fact'])
        .select([...factColumns, '_score'])
        .limit(count);
      return readFactRows(await (where === undefined ? found : found.where(where)).toArrow());
    });
  }

  async function byLikeness(query: FactQuery, count: number, vectorOf: VectorOfQuery): Promise<FactRow[]> {
    const vector = await vectorOf();
    if (!vector) return [];
    const groups = groupCondition(query);
    const times = timeCondition(query);
    for (let wanted = count; ; wanted = Math.min(wanted * 4, maxCandidates)) {
      const near = await vectors.nearest(vector, wanted, groups);
      const alike = near.filter(({ score }) => score >= minCosine);
      if (alike.length === 0) return [];
      const ids = `id IN ${listLiteral(alike.map(({ id }) => id))}`;
      const found = await readFresh(facts, () =>
        facts
          .query()
          .where(times === undefined ? ids : `${ids} AND ${times}`)
          .select(factColumns)
          .toArrow(),
      );
      const rows = new Map(readFactRows(found).map((row) => [row.id, row]));
      const isAll = alike.length < near.length || near.length < wanted || wanted === maxCandidates;
      if (isAll || rows.size >= query.limit) return alike.flatMap(({ id }) => rows.get(id) ?? []);
    }
  }

  async function searchBy(query: FactQuery, vectorOf: VectorOfQuery, signal?: AbortSignal): Promise<Fact[]> {
    const count = Math.max(minCandidates, query.limit * 2);
    const conditions = [groupCondition(query), timeCondition(query)].filter((each) => each !== undefined);
    const where = conditions.length === 0 ? undefined : conditions.join(' AND ');
    const [words, likeness] = await Promise.allSettled([
      byWords(query, count, where),
      byLikeness(query, count, vectorOf),
    ]);
    signal?.throwIfAborted();
    if (words.status === 'rejected') throw words.reason;
    if (likeness.status === 'rejected') onVectorsMissing();
    const lists = likeness.status === 'rejected' ? [words.value] : [words.value, likeness.value];
    return fuse(lists, query.asOf === undefined ? endedWeight : 1).slice(0, query.limit);
  }

  return {
    search(query, signal) {
      const vectorOf = async () => (await embedder.embed([query.text], { signal }))[0];
      return searchBy(query, vectorOf, signal);
    },
    async rehearse() {
      const some = await readFresh(facts, () => facts.query().select(['fact']).limit(rehearsedSearches).toArrow());
      const stored = await vectors.some(rehearsedSearches);
      for (let i = 0; i < some.numRows; i++) {
        const text = String(some.getChild('fact')?.get(i));
        await searchBy({ text, limit: rehearsedResults, groupIds: [] }, async () => stored[i]);
      }
    },
  };
}

function groupCondition({ groupIds }: FactQuery): string | undefined {
  return groupIds.length === 0 ? undefined : `group_id IN ${listLiteral(groupIds)}`;
}

function timeCondition({ asOf }: FactQuery): string | undefined {
  if (asOf === undefined) return undefined;
  const at = numberLiteral(asOf);
  return `valid_at <= ${at} AND (invalid_at IS NULL OR invalid_at > ${at})`;
}

/** Of equals, what was learned last comes first. */
function fuse(lists: readonly (readonly FactRow[])[], weightOfEnded: number): Fact[] {
  const scores = new Map<string, { row: FactRow; score: number }>();
  const best = lists.length / (rankConstant + 1);
  for (const list of lists) {
    list.forEach((row, place) => {
      const score = 1 / (rankConstant + place + 1) / best + (scores.get(row.id)?.score ?? 0);
      scores.set(row.id, { row, score });
    });
  }
  return [...scores.values()]
    .map(({ row, score }) => ({ row, score: row.expired_at === null ? score : score * weightOfEnded }))
    .sort((a, b) => b.score - a.score || b.row.created_at - a.row.created_at || (a.row.id < b.row.id ? -1 : 1))
    .map(({ row, score }) => factOf(row, score));
}

function factOf(row: FactRow, score: number): Fact {
  const isPassage = row.relation === '';
  return {
    id: row.id,
    fact: row.fact,
    score: Math.round(score * 1e4) / 1e4,
    validAt: row.valid_at,
    invalidAt: row.invalid_at,
    createdAt: row.created_at,
    expiredAt: row.expired_at,
    source: isPassage ? null : row.source,
    target: isPassage ? null : row.target,
    groupId: row.group_id,
    episodeId: (JSON.parse(row.episodes_json) as string[])[0] ?? null,
    metadata: JSON.parse(row.metadata_json) as Record<string, unknown>,
  };
}
