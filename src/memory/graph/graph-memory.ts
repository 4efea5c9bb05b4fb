/**
 * A relation between two things as it was told: `source` `relation` `target`, in words `fact`. Times are epoch
 * milliseconds; `validAt` undefined means from the time of the episode. `exclusive`: `source` has one such `target` at a
 * time, so what was true before ends where this begins.
 * @source product contract, Settled details (`metadata.triplets[]`); Graphiti documentation, "Adding Fact Triples"
 */
export interface Triplet {
  source: string;
  relation: string;
  target: string;
  fact?: string | undefined;
  validAt?: number | undefined;
  invalidAt?: number | undefined;
  exclusive: boolean;
}

/**
 * Something to remember. `metadata` is kept and comes back with each fact; times are epoch milliseconds and say when it
 * is true in the world.
 * @source product contract, Agents, memory (`POST /knowledge/add`)
 */
export interface NewEpisode {
  groupId: string;
  content: string;
  metadata: Readonly<Record<string, unknown>>;
  validAt?: number | undefined;
  invalidAt?: number | undefined;
  triplets?: readonly Triplet[] | undefined;
}

/**
 * - `state`: `stored` is durable and found from now on; `pending` was only accepted by another server.
 * - `facts`: how many it tells; undefined when only the other server will know.
 * - `factsFrom`: triplets that were given, facts that a model found, the content itself in passages, or the other server.
 * - `ignored`: parts of the input that this provider has no place for.
 * @source product contract, Agents, memory; Promises 1 ("Anything weaker is 202")
 */
export interface AddedEpisode {
  id: string;
  state: 'stored' | 'pending';
  facts: number | undefined;
  factsFrom: 'triplets' | 'model' | 'content' | 'server';
  ignored: string[];
}

/**
 * One fact. `validAt` to `invalidAt` is when it is true in the world, `createdAt` and `expiredAt` when the memory learned
 * it and learned of its end; null where that is not known. `score` is 0..1 and orders one answer; scores of two answers
 * cannot be compared. `source` and `target` are names, or, where the provider gives no names, ids of nodes.
 * @source product contract, Settled details (`/knowledge/search`); Graphiti documentation, "Searching the Graph"
 */
export interface Fact {
  id: string;
  fact: string;
  score: number;
  validAt: number | null;
  invalidAt: number | null;
  createdAt: number | null;
  expiredAt: number | null;
  source: string | null;
  target: string | null;
  groupId: string | null;
  episodeId: string | null;
  metadata: Readonly<Record<string, unknown>>;
}

/**
 * `groupIds` empty: all groups. `asOf`: only what is true at that time; without it also what is true no more.
 * @source product contract, Agents, memory (`POST /knowledge/search`)
 */
export interface FactQuery {
  text: string;
  limit: number;
  groupIds: readonly string[];
  asOf?: number | undefined;
}

/**
 * Facts about what was learned, in groups that know nothing of each other. Two providers keep this interface; one
 * contract suite holds them to it. Nothing is deleted because it is contradicted.
 * @source product contract, Agents, memory; story-17.4 task 4
 */
export interface GraphMemory {
  readonly kind: 'embedded' | 'graphiti';
  /** Tells answers of two memories apart: which provider, where, with which model. */
  readonly identity: string;
  /** Whether {@link GraphMemory.version} moves whoever changes the facts. Otherwise answers must grow old. */
  readonly seesAllChanges: boolean;
  /** A text that changes with whatever may change an answer about these groups (none: about any). */
  version(groupIds: readonly string[]): string | Promise<string>;
  /** Whether something accepted for these groups is not in their answers yet. */
  isSettling(groupIds: readonly string[]): boolean;
  /**
   * Names all that an answer is made from, indexes included; while it stays, equal searches have equal answers. Undefined
   * while that cannot be told, and left out where it never can.
   */
  state?(): Promise<string | undefined>;
  /** @throws Problem when it was not accepted */
  add(episode: NewEpisode, signal?: AbortSignal): Promise<AddedEpisode>;
  /** @returns best first, at most `limit` @throws Problem when the memory cannot be asked */
  search(query: FactQuery, signal?: AbortSignal): Promise<Fact[]>;
  /** @returns whether there was one */
  deleteFact(id: string): Promise<boolean>;
  /** Deletes it with the facts that it alone told. @returns whether there was one */
  deleteEpisode(id: string): Promise<boolean>;
  /** Deletes everything of the group; nothing to delete is no failure. */
  deleteGroup(groupId: string): Promise<void>;
  /** What the first search would otherwise wait for, where that is here. */
  prewarmSteps?(): Promise<{ name: string; run(): Promise<unknown> }[]>;
  /** Size of what is stored here; undefined when it is stored elsewhere. */
  storageBytes(): Promise<number | undefined>;
  close(): Promise<void>;
}
