import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemResponses } from '../../http/index.js';
import type { CacheStore } from '../store/cache-store.js';
import { cacheUnknown } from './errors.js';

const statisticsSchema = z.object({
  entries: z.int(),
  bytes: z.number(),
  max_bytes: z.number(),
  hits: z.int().describe('since the start'),
  misses: z.int().describe('since the start'),
  evictions: z.int().describe('since the start: entries that had to go for others'),
  expirations: z.int().describe('since the start: entries that were asked for and had grown too old'),
});

/**
 * A cache of any part, as an operator sees it.
 * @source product contract, Trajectories (`GET /admin/cache`, `POST /admin/cache/clear`)
 */
export interface ObservableCache {
  readonly name: string;
  statistics(): z.infer<typeof statisticsSchema>;
  clear(): void;
}

const fileSchema = z.object({ entries: z.int(), bytes: z.number(), max_bytes: z.number() });

const noQuery = z.strictObject({});
const all = 'all';

/** What the routes take and answer. @source product contract, Trajectories (`GET /admin/cache`) */
export const cacheOperations = {
  listCaches: {
    tags: ['admin'],
    operationId: 'listCaches',
    summary: 'What each cache holds, and how often it had the answer',
    querystring: noQuery,
    response: {
      200: z.object({
        caches: z.record(
          z.string(),
          statisticsSchema.extend({ hit_ratio: z.number().nullable().describe('null until it was asked') }),
        ),
        file: fileSchema.optional().describe('the file behind the dear caches, as last heard of it'),
      }),
      ...problemResponses(400),
    },
  },
  clearCache: {
    tags: ['admin'],
    operationId: 'clearCache',
    summary: 'Empty one cache, or all',
    querystring: noQuery,
    body: z.strictObject({ cache: z.string().describe('its name as in GET /admin/cache, or all') }),
    response: {
      200: z.object({
        cleared: z.record(z.string(), z.object({ entries: z.int() })).describe('how many entries were dropped'),
      }),
      ...problemResponses(400, 413, 415),
    },
  },
};

/**
 * `GET /admin/cache` (what each cache holds, how often it had the answer) and `POST /admin/cache/clear`.
 * @param file the second tier of the dear ones
 * @source product contract, Trajectories; trajectory-optimization 2.2-D (manual clearing)
 */
export function cacheRoutes(
  caches: readonly ObservableCache[],
  file?: Pick<CacheStore, 'statistics'>,
): FastifyPluginAsyncZod {
  return async (server) => {
    server.addHook('onRequest', (_request, reply, done) => {
      reply.header('cache-control', 'no-store');
      done();
    });
    server.get(
      '/admin/cache',
      {
        schema: cacheOperations.listCaches,
      },
      async () => ({
        caches: Object.fromEntries(
          caches.map((cache) => {
            const statistics = cache.statistics();
            const asked = statistics.hits + statistics.misses;
            return [cache.name, { ...statistics, hit_ratio: asked === 0 ? null : statistics.hits / asked }];
          }),
        ),
        ...(file && { file: fileState(file) }),
      }),
    );
    server.post(
      '/admin/cache/clear',
      {
        schema: cacheOperations.clearCache,
      },
      async (request) => {
        const wanted = request.body.cache;
        const chosen = caches.filter(({ name }) => wanted === all || name === wanted);
        if (chosen.length === 0) throw cacheUnknown([...caches.map(({ name }) => name), all]);
        const cleared = chosen.map((cache) => {
          const { entries } = cache.statistics();
          cache.clear();
          return [cache.name, { entries }] as const;
        });
        return { cleared: Object.fromEntries(cleared) };
      },
    );
  };
}

function fileState(file: Pick<CacheStore, 'statistics'>): z.infer<typeof fileSchema> {
  const { entries, bytes, maxBytes } = file.statistics();
  return { entries, bytes, max_bytes: maxBytes };
}
