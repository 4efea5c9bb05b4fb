import { z } from 'zod';

function whole(min: number, max: number) {
  const expected = `expected a whole number from ${min} to ${max}`;
  return z.int(expected).min(min, expected).max(max, expected);
}

function share(min: number, max: number) {
  const expected = `expected a number from ${min} to ${max}`;
  return z.number(expected).min(min, expected).max(max, expected);
}

const yesNo = z.boolean('expected true or false');

/**
 * The sections of `config/optimization.yaml` that are no optimisations but rule over them.
 * @source product contract, Optimisations (`verification.sample_rate`, `auto_rollback`)
 */
export const policySettings = {
  verification: z.strictObject({
    sample_rate: share(0, 1).default(0.01),
    at_least_every_seconds: whole(0, 3600).default(5),
    external: yesNo.default(false),
    max_concurrent: whole(1, 8).default(1),
    max_waiting: whole(1, 1000).default(16),
    max_time_ratio: share(0.001, 1).default(0.05),
    max_load_ratio: share(0.1, 1).default(0.9),
  }),
  auto_rollback: z.strictObject({
    enabled: yesNo.default(true),
    window_seconds: whole(1, 3600).default(60),
    mismatches: whole(1, 1000).default(1),
    failures: whole(1, 100_000).default(5),
    failure_ratio: share(0.001, 1).default(0.05),
  }),
  auto_tune: z.strictObject({
    enabled: yesNo.default(false),
    interval_seconds: whole(1, 3600).default(60),
    max_factor: share(1, 100).default(4),
    max_total_bytes: whole(1024 ** 2, 64 * 1024 ** 3).default(1024 ** 3),
    memory_high_ratio: share(0.1, 1).default(0.8),
    min_requests: whole(1, 1_000_000).default(100),
    min_gain_ratio: share(0, 1).default(0.01),
  }),
} satisfies Record<string, z.ZodObject>;

/**
 * The name of such a section.
 * @source product contract, Optimisations
 */
export type PolicyName = keyof typeof policySettings;

/**
 * What such a section sets; names, units and ranges as in `config/optimization.yaml`.
 * @source product contract, Optimisations
 */
export type PolicySettings<Name extends PolicyName> = z.infer<(typeof policySettings)[Name]>;

/**
 * All of these sections, as they are set now.
 * @source product contract, Optimisations
 */
export type Policies = { readonly [Name in PolicyName]: Readonly<PolicySettings<Name>> };

/**
 * All of these sections, in the order in which they are listed.
 * @source product contract, Optimisations
 */
export const policyNames = Object.keys(policySettings) as PolicyName[];
