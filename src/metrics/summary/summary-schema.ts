import { z } from 'zod';

const whole = z.int().min(0);
const share = z.number().min(0).max(1);
const milliseconds = z.number().nullable().meta({ description: 'Milliseconds; null when nothing was timed' });
const seconds = z.number().nullable().meta({ description: 'Seconds; null when nothing was timed' });

const apiSchema = z.object({
  requests_total: whole.meta({ description: 'Requests answered since the start' }),
  requests_per_second: z.number(),
  avg_latency_ms: milliseconds,
  p50_latency_ms: milliseconds,
  p95_latency_ms: milliseconds,
  p99_latency_ms: milliseconds,
  error_rate: share.meta({ description: 'Share answered with a status of 500 or above; 0 when nothing was asked' }),
  concurrent_requests: whole.meta({ description: 'Being answered now, this one included' }),
});

const agentSchema = z.object({
  invocations_total: whole.meta({ description: 'Calls that ended since the start' }),
  avg_execution_time_s: seconds,
  p95_execution_time_s: seconds,
});

const memorySchema = z.object({
  queries_total: whole.meta({ description: 'Searches, reads and writes since the start' }),
  avg_latency_ms: milliseconds,
  p95_latency_ms: milliseconds,
  reachable: z.boolean().nullable().meta({ description: 'null while nobody has looked yet' }),
});

const cacheSchema = z.object({
  requests_total: whole.meta({ description: 'Times that it was asked since the start' }),
  hits_total: whole,
  hit_rate: share.nullable().meta({ description: 'null when it was not asked' }),
});

const resourcesSchema = z.object({
  cpu_ratio: share.nullable().meta({ description: 'Of the cores that this process may use' }),
  memory_ratio: share.nullable().meta({ description: 'Of the memory that this process may use' }),
  event_loop_delay_ms: z.number().nullable(),
  resident_bytes: whole,
  heap_used_bytes: whole,
  database_bytes: whole.nullable().meta({ description: 'Of all tables; null while nobody has looked yet' }),
  database_growth_bytes_per_day: z.number().nullable().meta({
    description: 'Over at most the last day; negative when it shrank, null until ten minutes are known',
  }),
  disk_free_bytes: whole.nullable(),
  disk_free_ratio: share.nullable(),
  scheduler: z.object({ limit: whole, running: whole, waiting: whole }),
});

const sideSchema = z.object({ count: whole, mean_ms: z.number().nullable(), p95_ms: z.number().nullable() });

/**
 * What one optimisation saves: both ways measured on the same work. `saved_ms` is baseline minus optimised, `interval`
 * where it lies with 95 % confidence, `distinguishable` whether that is more than noise.
 * @source product contract, Settled details (`optimization_savings[flag]`)
 */
export const savingSchema = z.object({
  baseline: sideSchema,
  optimized: sideSchema,
  saved_ms: z.number().nullable(),
  saved_ratio: z.number().nullable(),
  interval: z.tuple([z.number(), z.number()]).nullable(),
  samples: whole,
  samples_missing: whole.optional().meta({ description: 'Samples until a difference may be called distinguishable' }),
  distinguishable: z.boolean(),
  unit: z.string(),
  counted: z
    .object({ unit: z.string(), baseline: z.number(), optimized: z.number(), saved: z.number() })
    .nullable()
    .optional()
    .meta({ description: 'Work counted both ways since the start; null where none is' }),
  no_pairs: z.string().nullable().optional().meta({ description: 'Why there is nothing to measure both ways' }),
  comparisons: z.record(z.string(), whole).meta({ description: 'Comparisons by what became of them' }).optional(),
});

/**
 * The figures of the service at one moment. Totals count from its start; rates, means and percentiles are those of the
 * last `window_seconds`.
 * @source product contract, Monitoring (`GET /metrics/summary`); story-17.4 Dev Notes (`MetricsSummary`)
 */
export const summarySchema = z.object({
  timestamp: z.iso.datetime(),
  uptime_seconds: z.number(),
  window_seconds: z.number().meta({ description: 'What rates, means and percentiles are of: 300, less at the start' }),
  api: apiSchema.meta({
    description: 'Latencies are without agents, imports, exports and additions to the graph memory',
  }),
  agents: agentSchema.extend({ by_type: z.record(z.string(), agentSchema) }),
  memory_system: z.object({ graphiti: memorySchema, temporal: memorySchema, semantic: memorySchema }),
  resources: resourcesSchema,
  caches: z.record(z.string(), cacheSchema),
  cache_hit_rate: share.nullable().meta({ description: 'Of the canvas cache; null when no canvas was asked for' }),
  optimization_enabled: z.record(z.string(), z.boolean()),
  optimization_savings: z.record(z.string(), savingSchema),
  api_requests_total: whole,
  avg_latency_ms: z.number().meta({ description: '0 when nothing was timed' }),
  error_rate: share,
  concurrent_requests: whole,
});

/**
 * See {@link summarySchema}.
 * @source product contract, Monitoring (`GET /metrics/summary`)
 */
export type Summary = z.infer<typeof summarySchema>;

/**
 * See {@link savingSchema}.
 * @source product contract, Settled details (`optimization_savings[flag]`)
 */
export type Saving = z.infer<typeof savingSchema>;
