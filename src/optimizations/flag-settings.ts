import { z } from 'zod';

const MiB = 1024 * 1024;

/** A whole number in a range, which is also what its error message says. */
function whole(min: number, max: number) {
  const expected = `expected a whole number from ${min} to ${max}`;
  return z.int(expected).min(min, expected).max(max, expected);
}

/** A share of what there is. */
const ratio = z
  .number('expected a number from 0.1 to 1')
  .min(0.1, 'expected a number from 0.1 to 1')
  .max(1, 'expected a number from 0.1 to 1');

/**
 * Every optimisation flag with its settings and their defaults. To add a flag, add an entry here, its section to
 * `config/optimization.yaml` and its row to `docs/optimizations.md`; a test holds the three together.
 * @source product contract, Optimisations; story-17.4 AC7
 */
export const flagSettings = {
  canvas_cache: z.strictObject({
    max_files: whole(1, 100_000).default(200),
    max_bytes: whole(1 * MiB, 65_536 * MiB).default(256 * MiB),
    ttl_seconds: whole(1, 604_800).default(3600),
  }),
  fast_json: z.strictObject({}),
  batch_writer: z.strictObject({
    window_ms: whole(1, 10_000).default(100),
    max_delay_ms: whole(1, 60_000).default(600),
    max_pending_bytes: whole(1 * MiB, 65_536 * MiB).default(256 * MiB),
  }),
  batch_import: z.strictObject({
    batch_rows: whole(500, 10_000).default(2000),
    max_batch_bytes: whole(1 * MiB, 1024 * MiB).default(24 * MiB),
  }),
  bulk_duplicate_check: z.strictObject({}),
  native_query: z.strictObject({
    row_id_cache_bytes: whole(0, 65_536 * MiB).default(64 * MiB),
  }),
  analysis_by_ids: z.strictObject({}),
  query_cache: z.strictObject({
    ttl_seconds: whole(1, 604_800).default(300),
    max_bytes: whole(1 * MiB, 65_536 * MiB).default(64 * MiB),
  }),
  scalar_indexes: z.strictObject({}),
  index_prewarm: z.strictObject({}),
  embedding_cache: z.strictObject({
    max_entries: whole(1, 1_000_000).default(5000),
  }),
  batch_embedding: z.strictObject({
    max_texts: whole(1, 2048).default(96),
    max_tokens: whole(1000, 300_000).default(100_000),
    window_ms: whole(0, 1000).default(5),
  }),
  l2_cache: z.strictObject({
    max_bytes: whole(1 * MiB, 65_536 * MiB).default(500 * MiB),
    max_age_days: whole(1, 3650).default(30),
    cleanup_seconds: whole(1, 604_800).default(3600),
  }),
  graph_cache: z.strictObject({
    ttl_seconds: whole(1, 604_800).default(600),
    empty_ttl_seconds: whole(1, 604_800).default(30),
    pending_ttl_seconds: whole(1, 3600).default(20),
    max_stale_seconds: whole(0, 604_800).default(3600),
  }),
  temporal_partitions: z.strictObject({
    hot_days: whole(1, 365).default(7),
    warm_days: whole(1, 3650).default(30),
    max_bytes: whole(1 * MiB, 65_536 * MiB).default(128 * MiB),
  }),
  scheduler: z.strictObject({
    min_concurrency: whole(1, 1000).default(10),
    max_concurrency: whole(1, 1000).default(50),
    fixed_concurrency: whole(1, 1000).default(12),
    cpu_high_ratio: ratio.default(0.8),
    memory_high_ratio: ratio.default(0.85),
    event_loop_high_ms: whole(1, 10_000).default(50),
    max_waiting: whole(1, 100_000).default(1000),
    ageing_seconds: whole(1, 3600).default(5),
  }),
} satisfies Record<string, z.ZodObject>;

/**
 * The name of a flag, as in `config/optimization.yaml`.
 * @source product contract, Optimisations
 */
export type FlagName = keyof typeof flagSettings;

/**
 * The settings of one flag, without its `enabled`; names, units and ranges as in `config/optimization.yaml`.
 * @source product contract, Optimisations
 */
export type FlagSettings<Name extends FlagName> = z.infer<(typeof flagSettings)[Name]>;

/**
 * All flags, in the order in which they are listed.
 * @source product contract, Optimisations
 */
export const flagNames = Object.keys(flagSettings) as FlagName[];
