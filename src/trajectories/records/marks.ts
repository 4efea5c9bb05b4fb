import { z } from 'zod';

const maxNotesLength = 100_000;
const maxTagLength = 200;
const maxTags = 100;

const isWellFormed = (text: string) => !/\p{Surrogate}/u.test(text);
const wellFormed = 'expected well-formed Unicode text';

/**
 * A tag as clients set it. Without commas, since a filter takes tags separated by commas.
 * @source product contract, Trajectories ("tags, bookmark and notes")
 */
export const tagSchema = z
  .string()
  .trim()
  .min(1, 'expected a tag that is not blank')
  .max(maxTagLength, `expected at most ${maxTagLength} characters`)
  .refine((tag) => !tag.includes(','), 'expected a tag without commas')
  .refine(isWellFormed, wellFormed);

/** `PUT {id}/tags`: all tags, in place of those before. @source product contract, Trajectories ("PUT {id}/tags {tags:[]}") */
export const tagsInputSchema = z.strictObject({
  tags: z
    .array(tagSchema)
    .max(maxTags, `expected at most ${maxTags} tags`)
    .transform((tags) => [...new Set(tags)]),
});

/** `PUT {id}/notes`. @source product contract, Trajectories ("PUT {id}/notes") */
export const notesInputSchema = z.strictObject({
  notes: z
    .string()
    .max(maxNotesLength, `expected at most ${maxNotesLength} characters`)
    .refine(isWellFormed, wellFormed),
});

/** `PUT {id}/bookmark`: sets it; without a body it toggles. @source product contract, Settled details ("`PUT bookmark`") */
export const bookmarkInputSchema = z.strictObject({ is_bookmarked: z.boolean() }).nullish();

/**
 * What people put on a trajectory; `updated_at` in epoch seconds.
 * @source product contract, Trajectories ("tags, bookmark and notes")
 */
export const marksSchema = z
  .object({
    trajectory_id: z.string(),
    tags: z.array(z.string()),
    notes: z.string(),
    is_bookmarked: z.boolean(),
    updated_at: z.number(),
  })
  .meta({ id: 'TrajectoryMarks', description: 'What people put on a trajectory' });

/** What people put on a trajectory. @source product contract, Trajectories ("tags, bookmark and notes") */
export type Marks = z.infer<typeof marksSchema>;
