import { z } from 'zod';

/**
 * Who made the bytes: a request to this service, or another program that wrote the file.
 * @source product contract, Canvases ("origin `api` or `external`")
 */
export const originSchema = z.enum(['api', 'external']);

/** @source product contract, Canvases */
export type Origin = z.infer<typeof originSchema>;

/**
 * One version as `GET /canvas/{path}/versions` lists it.
 * @source product contract, Settled details ("`versions` answers ...")
 */
export const canvasVersionSchema = z
  .object({
    id: z.string().meta({ description: 'Opaque; later versions of a canvas have greater ids' }),
    etag: z.string(),
    bytes: z.int().min(0),
    created: z.iso.datetime().meta({ description: 'When these bytes became the canvas' }),
    origin: originSchema,
  })
  .meta({ id: 'CanvasVersion' });

/**
 * The answer of `GET /canvas/{path}/versions`, newest first.
 * @source product contract, Settled details ("`versions` answers ...")
 */
export const canvasVersionListSchema = z.object({ data: z.array(canvasVersionSchema) });

/**
 * One kept version. `created` is in ms since the epoch, `bytes` the length of its content.
 * @source product contract, Settled details ("`versions` answers ...")
 */
export interface CanvasVersion {
  id: string;
  etag: string;
  bytes: number;
  created: number;
  origin: Origin;
}

/**
 * A list of versions as it is sent.
 * @source product contract, Settled details ("`versions` answers ...")
 */
export const describeVersions = (versions: readonly CanvasVersion[]): z.infer<typeof canvasVersionListSchema> => ({
  data: versions.map((version) => ({ ...version, created: new Date(version.created).toISOString() })),
});
