import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemResponses } from '../http/index.js';
import type { TunedCacheState, Tuning, TuningState } from './tuning.js';

const count = z.int().min(0);
const changeSchema = z.object({
  limit: z.string(),
  from: z.number(),
  to: z.number(),
  why: z.string().describe('what was seen'),
});
const cacheSchema = z.object({
  in_use: z.boolean(),
  measured: z
    .object({
      asked: count,
      hit_ratio: z.number().nullable().describe('null when it was not asked'),
      evictions: count.describe('entries that had to go for others'),
      expirations: count.describe('entries that were asked for and had grown too old'),
      entries: count,
      bytes: z.number(),
    })
    .describe('between the last two looks'),
  limits: z.record(
    z.string(),
    z.object({
      unit: z.string(),
      configured: z.number(),
      current: z.number(),
      min: z.number(),
      max: z.number(),
    }),
  ),
  proposal: changeSchema.nullable().describe('what would be changed now; null: nothing, or it is done already'),
});
const tuningSchema = z
  .object({
    enabled: z.boolean(),
    settings: z.record(z.string(), z.union([z.number(), z.boolean()])),
    memory_ratio: z.number().nullable().describe('how full the memory is, 0..1; null while that is not known'),
    looked_at: z.iso.datetime().nullable(),
    caches: z.record(z.string(), cacheSchema),
    changes: z
      .array(changeSchema.extend({ at: z.iso.datetime(), cache: z.string() }))
      .describe('the latest first, at most 50'),
  })
  .meta({ id: 'Tuning' });

/** What the route takes and answers. @source issue "`GET /admin/tuning`" */
export const tuningOperations = {
  getTuning: {
    tags: ['admin'],
    operationId: 'getTuning',
    summary: 'How the caches are tuned, or would be if `auto_tune` were on, and why',
    querystring: z.strictObject({}),
    response: { 200: tuningSchema, ...problemResponses(400) },
  },
};

/**
 * `GET /admin/tuning`: settings, bounds, what was measured, what would be done, what was done.
 * @source issue "`GET /admin/tuning`"
 */
export function tuningRoutes(tuning: Tuning): FastifyPluginAsyncZod {
  return async (server) => {
    server.get('/admin/tuning', { schema: tuningOperations.getTuning }, async (_request, reply) => {
      reply.header('cache-control', 'no-store');
      return shown(tuning.state());
    });
  };
}

const time = (ms: number) => new Date(ms).toISOString();

function shown({ settings, memoryRatio, lookedAt, caches, changes }: TuningState): z.infer<typeof tuningSchema> {
  return {
    enabled: settings.enabled,
    settings: { ...settings },
    memory_ratio: memoryRatio ?? null,
    looked_at: lookedAt === undefined ? null : time(lookedAt),
    caches: Object.fromEntries(Object.entries(caches).map(([name, cache]) => [name, shownCache(cache)])),
    changes: changes.map(({ at, ...change }) => ({ at: time(at), ...change })),
  };
}

function shownCache({ isOn, window, figures, limits, proposal }: TunedCacheState): z.infer<typeof cacheSchema> {
  const { asked, hits, evictions, expirations } = window;
  const { entries, bytes } = figures;
  return {
    in_use: isOn,
    measured: { asked, hit_ratio: asked === 0 ? null : hits / asked, evictions, expirations, entries, bytes },
    limits,
    proposal: proposal ?? null,
  };
}
