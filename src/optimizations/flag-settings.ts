import { z } from 'zod';

const MiB = 1024 * 1024;

/** A whole number in a range, which is also what its error message says. */
function whole(min: number, max: number) {
  const expected = `expected a whole number from ${min} to ${max}`;
  return z.int(expected).min(min, expected).max(max, expected);
}

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
    max_batch_bytes: whole(1 * MiB, 1024 * MiB).default(32 * MiB),
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
