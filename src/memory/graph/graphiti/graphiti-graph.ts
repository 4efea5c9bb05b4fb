/**
 * Graph memory on a Graphiti server, over its REST API. The server accepts an episode and stores it later, by its own
 * model; this promises no more than it does, and looks after what became of it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { Problem } from '../../../errors.js';
import type { Logger } from '../../../logger.js';
import { type After, afterTimeout } from '../../../scheduler/index.js';
import type { Upstream } from '../../../upstream/index.js';
import { graphAnswerInvalid, graphUnavailable } from '../errors.js';
import type { GraphEvent } from '../graph-event.js';
import type { FactQuery, GraphMemory, NewEpisode } from '../graph-memory.js';
import { createChangeCounts } from './change-counts.js';
import { episodesIn, expectAccepted, expectHealthy, factsIn } from './graphiti-answers.js';
import { serverGroup } from './group-names.js';
import { createIngestions } from './ingestions.js';

/** `baseUrl` only tells servers apart; `server` is the way there. @source product contract, "Process settings" (GRAPHITI_URL) */
export interface GraphitiGraphOptions {
  server: Upstream;
  baseUrl: string;
  logger: Logger;
  onEvent(event: GraphEvent): void;
  after?: After;
  /** Epoch milliseconds. */
  now?(): number;
}

const searchTimeoutMs = 10_000;
const addTimeoutMs = 30_000;
/** From 128 words on, the server leaves the full-text half of its search out. */
const maxQueryWords = 120;
/** It has no filter for times: more is asked for, and what does not fit is left out here. */
const asOfFactor = 3;
const maxFacts = 300;
const maxDescriptionLength = 1000;
const maxListedEpisodes = 1000;
const idPattern = /^[A-Za-z0-9_-]{1,128}$/;

/** What it says when it is there but cannot answer now. */
const unavailableCodes = /^(?:NETWORK_|CIRCUIT_OPEN|UPSTREAM_(?:FAILED|BUSY|CLOSED)$)/;
const invalidCodes = /^UPSTREAM_(?:ANSWER_INVALID|REQUEST_REFUSED)$/;

function asGraphProblem(error: unknown): unknown {
  if (!(error instanceof Problem)) return error;
  if (unavailableCodes.test(error.code)) return graphUnavailable(error.message, error);
  return invalidCodes.test(error.code) ? graphAnswerInvalid('an answer of the documented form', error) : error;
}

const statusOf = (error: unknown) =>
  error instanceof Problem ? (error.cause as { status?: number } | undefined)?.status : undefined;

/** The triplets as sentences: over REST there is no other place for them. */
function messageOf({ content, triplets = [] }: NewEpisode): string {
  const sentences = triplets.map(({ source, relation, target, fact }) => fact ?? `${source} ${relation} ${target}`);
  return [content, ...sentences].join('\n');
}

/**
 * Says hello to the server, without waiting for it: what answers there is logged when it is no Graphiti server.
 * @source Graphiti repository, server/graph_service; product contract, Agents, memory ("a real Graphiti server by URL")
 */
export function openGraphitiGraph(options: GraphitiGraphOptions): GraphMemory {
  const { server, baseUrl, logger, onEvent, after = afterTimeout, now = Date.now } = options;
  const counts = createChangeCounts();
  const ingestions = createIngestions({
    namesOf: async (groupId, lastN) => new Set((await episodesOf(serverGroup(groupId), lastN)).map(({ name }) => name)),
    after,
    now,
    onEnd(groupId, outcome, durationSeconds) {
      counts.changed(groupId);
      onEvent({ type: 'ingested', outcome, durationSeconds });
      if (outcome === 'lost') logger.warn('the graph server accepted an episode and did not store it in time');
    },
  });

  async function episodesOf(group: string, lastN: number) {
    const path = `/episodes/${encodeURIComponent(group)}?last_n=${lastN}`;
    return episodesIn(await server.getJson(path, { timeoutMs: searchTimeoutMs }));
  }

  async function asked<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw asGraphProblem(error);
    }
  }

  /** @returns whether there was something to delete */
  const remove = (path: string, groupId: string | undefined) =>
    asked(async () => {
      try {
        await server.delete(path);
        return true;
      } catch (error) {
        if (statusOf(error) === 404) return false;
        throw error;
      } finally {
        counts.changed(groupId);
      }
    });

  /** The server's own id of an episode that `add` has named. */
  const uuidOf = (name: string) =>
    asked(async () => {
      const group = name.slice(0, name.lastIndexOf('.'));
      return (await episodesOf(group, maxListedEpisodes)).find((episode) => episode.name === name)?.uuid;
    });

  void server
    .getJson('/healthcheck', { timeoutMs: searchTimeoutMs })
    .then(expectHealthy)
    .catch((error: unknown) => logger.error({ err: error }, 'GRAPHITI_URL: expected a healthy Graphiti server there'));

  return {
    kind: 'graphiti',
    identity: `graphiti ${createHash('sha256').update(baseUrl).digest('hex').slice(0, 16)}`,
    seesAllChanges: false,
    version: counts.of,
    isSettling: ingestions.isPending,
    add: (episode, signal) =>
      asked(async () => {
        const { groupId, metadata, validAt } = episode;
        const group = serverGroup(groupId);
        const name = `${group}.${randomUUID()}`;
        const description = Object.keys(metadata).length === 0 ? '' : JSON.stringify(metadata);
        // No `uuid`: the server would look for an existing message, and its worker dies of finding none.
        const message = {
          content: messageOf(episode),
          role_type: 'user',
          role: null,
          name,
          timestamp: new Date(validAt ?? now()).toISOString(),
          source_description: description.slice(0, maxDescriptionLength),
        };
        const answer = await server.postJson(
          '/messages',
          { group_id: group, messages: [message] },
          { signal, timeoutMs: addTimeoutMs, sideEffect: true },
        );
        expectAccepted(answer);
        ingestions.expect(groupId, name);
        counts.changed(groupId);
        const ignored = episode.invalidAt === undefined ? [] : ['metadata.invalid_at'];
        return { id: name, state: 'pending', facts: undefined, factsFrom: 'server', ignored };
      }),
    search: ({ text, limit, groupIds, asOf }: FactQuery, signal) =>
      asked(async () => {
        const wanted = asOf === undefined ? limit : Math.min(maxFacts, limit * asOfFactor);
        const body = {
          query: text.split(/\s+/).slice(0, maxQueryWords).join(' '),
          group_ids: groupIds.length === 0 ? null : groupIds.map(serverGroup),
          max_facts: wanted,
        };
        const answer = await server.postJson('/search', body, { signal, timeoutMs: searchTimeoutMs });
        const facts = factsIn(answer, groupIds.length === 1 ? groupIds[0]! : null);
        const isTrue = (validAt: number | null, invalidAt: number | null) =>
          asOf === undefined || ((validAt ?? asOf) <= asOf && (invalidAt === null || invalidAt > asOf));
        return facts.filter(({ validAt, invalidAt }) => isTrue(validAt, invalidAt)).slice(0, limit);
      }),
    deleteFact: async (id) => idPattern.test(id) && remove(`/entity-edge/${id}`, undefined),
    async deleteEpisode(id) {
      const uuid = id.includes('.') ? await uuidOf(id) : id;
      return uuid !== undefined && idPattern.test(uuid) && remove(`/episode/${uuid}`, undefined);
    },
    async deleteGroup(groupId) {
      await remove(`/group/${encodeURIComponent(serverGroup(groupId))}`, groupId);
    },
    storageBytes: async () => undefined,
    async close() {
      ingestions.close();
    },
  };
}
