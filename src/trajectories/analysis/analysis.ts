import { z } from 'zod';

const maxTextLength = 100_000;
const wellFormed = z
  .string()
  .max(maxTextLength, `expected at most ${maxTextLength} characters`)
  .refine((text) => !/\p{Surrogate}/u.test(text), 'expected well-formed Unicode text');

/**
 * What a client says about one trajectory.
 * @source product contract, Trajectories ("analysis rows: is_success, category, root_cause, suggestion")
 */
export const analysisInputSchema = z
  .strictObject({
    is_success: z.boolean(),
    category: wellFormed.default(''),
    root_cause: wellFormed.default(''),
    suggestion: wellFormed.default(''),
  })
  .meta({ id: 'Analysis', description: 'Whether a trajectory succeeded, and why not' });

/** What a client says about one trajectory, texts empty by default. @source product contract, Trajectories ("analysis rows") */
export type Analysis = z.infer<typeof analysisInputSchema>;

/**
 * An analysis row as it is stored: `updated_at` in epoch seconds.
 * @source product contract, Trajectories ("analysis rows")
 */
export const analysisRowSchema = z
  .object({
    trajectory_id: z.string(),
    is_success: z.boolean(),
    category: z.string(),
    root_cause: z.string(),
    suggestion: z.string(),
    updated_at: z.number(),
  })
  .meta({ id: 'AnalysisRow' });

/** An analysis row as it is stored. @source product contract, Trajectories ("analysis rows") */
export type AnalysisRow = z.infer<typeof analysisRowSchema>;
