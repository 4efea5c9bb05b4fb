import type { Optimization } from '../../../optimization.js';
import { textPageCheck } from '../comparing/answer-checks.js';
import { withText } from '../page-text.js';
import { filterSql } from '../trajectory-filter.js';
import type { ListQuery, TextPage, TrajectoryRepository } from '../trajectory-repository.js';
import { createBytesCache } from './bytes-cache.js';
import type { NamedCache } from './named-cache.js';
import { createSingleFlight } from './single-flight.js';

/**
 * `query_cache`: how long an answer is kept, and the bytes of memory for all of them.
 * @source product contract, Optimisations (`query_cache`)
 */
export interface QueryCacheSettings {
  ttl_seconds: number;
  max_bytes: number;
}

/** What is cached, the flag, and whom to tell. @source product contract, Optimisations (`query_cache`) */
export interface QueryCacheOptions {
  repository: TrajectoryRepository;
  /** Asked for answers to compare with those that were kept, which are no requests; `repository` when left out. */
  unreported?: Pick<TrajectoryRepository, 'list'>;
  /** Names the present state of all that an answer is made from; changes with each change of it. */
  dataVersion(): Promise<string>;
  /** The same, where it is known at once. */
  knownVersion?(): string | undefined;
  queryCache: Optimization<QueryCacheSettings>;
  onFound?(found: 'hit' | 'miss'): void;
  /** Milliseconds of a clock that never goes back. */
  now?(): number;
}

/**
 * A repository whose lists are kept for a while. An answer is kept under the query and the version of the data: after
 * a change it is never given again, and all that were kept are dropped. Equal queries at the same time run once.
 * @source product contract, Optimisations (`query_cache`); trajectory-optimization 2.2-D
 */
export interface CachedRepository extends TrajectoryRepository {
  cache: NamedCache;
}

/** An answer, and how long the repository took for it when it was asked. */
interface Loaded {
  page: TextPage;
  originalSeconds?: number;
}

const secondsSince = (startedAt: number) => (performance.now() - startedAt) / 1000;

/** Empty at first. @source product contract, Optimisations (`query_cache`) */
export function createQueryCache(options: QueryCacheOptions): CachedRepository {
  const { repository, unreported = repository, dataVersion, queryCache, onFound, now } = options;
  const pages = createBytesCache<TextPage>({
    maxBytes: () => queryCache.settings.max_bytes,
    ttlMs: () => queryCache.settings.ttl_seconds * 1000,
    bytesOf: ({ rows, text }) => text?.length ?? rows.reduce((bytes, row) => bytes + row.length, 0),
    ...(now ? { now } : {}),
  });
  const loading = createSingleFlight<Loaded>();
  const check = textPageCheck(currentVersion);
  let keptVersion = '';
  let asking: Promise<string> | undefined;

  /** The data's version, after dropping what was kept of an older one. */
  async function readVersion(): Promise<string> {
    await new Promise(setImmediate);
    asking = undefined;
    return dropOlder(await dataVersion());
  }

  function dropOlder(version: string): string {
    if (version !== keptVersion) pages.clear();
    keptVersion = version;
    return version;
  }

  /** Asked once for all that arrive in one turn of the event loop; begun after each of them, it misses no change. */
  async function currentVersion(): Promise<string> {
    const known = options.knownVersion?.();
    if (known !== undefined) return dropOlder(known);
    asking ??= readVersion();
    return asking;
  }

  /** The answer is kept unless the data changed while it was made. */
  async function load(query: ListQuery, key: string, version: string): Promise<Loaded> {
    const startedAt = performance.now();
    const page = await repository.list(query);
    const originalSeconds = secondsSince(startedAt);
    const versionNow = await currentVersion().catch(() => undefined);
    if (versionNow !== version) return { page, originalSeconds };
    const kept = withText(page, query);
    pages.set(key, kept);
    return { page: kept, originalSeconds };
  }

  async function cached(query: ListQuery, version: string): Promise<Loaded> {
    const key = keyOf(query, version);
    const known = pages.get(key);
    const found = known ? 'hit' : 'miss';
    pages.count(found);
    onFound?.(found);
    return known ? { page: known } : loading.run(key, () => load(query, key, version));
  }

  return {
    ...repository,
    async list(query) {
      if (!queryCache.enabled) {
        pages.clear();
        return repository.list(query);
      }
      const trial = queryCache.sample?.();
      const startedAt = performance.now();
      let version: string;
      try {
        version = await currentVersion();
      } catch (error) {
        queryCache.failed(error);
        return repository.list(query);
      }
      const { page, originalSeconds } = await cached(query, version);
      const optimised = { answer: page, seconds: secondsSince(startedAt), originalSeconds };
      trial?.compare({ check, versionBefore: version, optimised, original: () => unreported.list(query) });
      return page;
    },
    async explain(query) {
      const explained = await repository.explain(query);
      if (!queryCache.enabled) return explained;
      const key = keyOf(query, await currentVersion());
      return { ...explained, query_cache: pages.get(key) ? 'hit' : 'miss' };
    },
    cache: { name: 'query', statistics: () => pages.statistics(), clear: () => pages.clear() },
  };
}

/** Equal for queries with equal answers, as far as can be told without running them. */
function keyOf({ filter, sortBy, order, page, pageSize, fields, walk }: ListQuery, version: string): string {
  return JSON.stringify([version, filterSql(filter), sortBy, order, page, pageSize, fields, walk]);
}
