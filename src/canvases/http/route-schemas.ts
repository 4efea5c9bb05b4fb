import { z } from 'zod';

/** Under which the OpenAPI document lists the routes of canvases. @source OpenAPI 3.1, Tag Object */
export const tags = ['canvases'];

/** A query string without parameters. @source product contract, Settled details ("Unknown query parameters are 400") */
export const noQuery = z.strictObject({});

/** @source product contract, Canvases (`{path}`) */
export const canvasParams = z.object({
  path: z
    .string()
    .meta({ description: 'Path in the vault, may hold "/", ends in ".canvas"', example: 'notes/plan.canvas' }),
});

/** The answer to a write: which version is stored now. `bytes` is its size. @source product contract, Canvases (PUT) */
export const storedCanvas = z
  .object({ path: z.string(), etag: z.string(), bytes: z.int() })
  .meta({ id: 'StoredCanvas', description: 'The version that is stored' });
