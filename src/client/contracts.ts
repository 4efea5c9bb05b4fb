import type { z } from 'zod';
import type { batchOperations, invokeOperations, jobOperations } from '../agents/index.js';
import type { cacheOperations } from '../cache/index.js';
import type {
  canvasOperations,
  changeEventOperations,
  editOperations,
  elementOperations,
  moveOperations,
  versionOperations,
} from '../canvases/index.js';
import type { healthOperations } from '../http/index.js';
import type { canvasSearchOperations, knowledgeOperations, learningEventOperations } from '../memory/index.js';
import type { alertOperations, metricsOperations, summaryOperations } from '../metrics/index.js';
import type { optimizationOperations } from '../optimizations/index.js';
import type {
  analysisOperations,
  exportOperations,
  followingOperations,
  importOperations,
  questionOperations,
  recordOperations,
  searchOperations,
  trajectoryOperations,
} from '../trajectories/index.js';
import type { tuningOperations } from '../tuning/index.js';

/**
 * What each operation takes and answers, by its name: the very schemas that the service validates with.
 * @source product contract, HTTP ("generated from the same zod schemas that validate")
 */
export type Contracts = typeof canvasOperations &
  typeof changeEventOperations &
  typeof editOperations &
  typeof elementOperations &
  typeof moveOperations &
  typeof versionOperations &
  typeof trajectoryOperations &
  typeof recordOperations &
  typeof searchOperations &
  typeof exportOperations &
  typeof importOperations &
  typeof followingOperations &
  typeof analysisOperations &
  typeof questionOperations &
  typeof invokeOperations &
  typeof batchOperations &
  typeof jobOperations &
  typeof learningEventOperations &
  typeof knowledgeOperations &
  typeof canvasSearchOperations &
  typeof cacheOperations &
  typeof alertOperations &
  typeof optimizationOperations &
  typeof tuningOperations &
  typeof metricsOperations &
  typeof summaryOperations &
  typeof healthOperations;

/** @source OpenAPI 3.1, Operation Object (`operationId`) */
export type OperationName = keyof Contracts;

/**
 * A body that is sent as it is; with anything but a form, say its media type in `headers`.
 * @source Fetch Standard, "BodyInit"
 */
export type RawBody = string | Uint8Array | Blob | FormData | ReadableStream<Uint8Array>;

/** Values of a query string are text on the way: numbers and truths may be given as such. */
type Written<Value> =
  | Value
  | (string extends Value ? number : never)
  | ('true' extends Value ? boolean : never)
  | (unknown extends Value ? string | number : never);
type Query<Schema> =
  Schema extends z.ZodType<unknown, infer Input>
    ? string extends keyof Input
      ? Record<string, never>
      : { [Name in keyof Input]: Written<Input[Name]> }
    : never;

type IfNeeded<Name extends string, Value> =
  Record<never, never> extends Value ? { [Key in Name]?: Value } : { [Key in Name]: Value };
type ParamsOf<Schema> = Schema extends { params: infer Params extends z.ZodType }
  ? { params: z.input<Params> }
  : Record<never, never>;
type QueryOf<Schema> = Schema extends { querystring: infer Given }
  ? IfNeeded<'query', Query<Given>>
  : Record<never, never>;
type BodyOf<Schema> = Schema extends { body: infer Body extends z.ZodType }
  ? undefined extends z.input<Body>
    ? { body?: z.input<Body> | RawBody }
    : { body: z.input<Body> | RawBody }
  : { body?: RawBody };

/**
 * What a call takes: the parameters of the path, the query, the body (JSON, unless it is a {@link RawBody}), further
 * headers such as `if-match`, and a signal that calls it off.
 * @source Fetch Standard; OpenAPI 3.1, Operation Object
 */
export type RequestOf<Schema> = ParamsOf<Schema> &
  QueryOf<Schema> &
  BodyOf<Schema> & { headers?: Record<string, string>; signal?: AbortSignal };

type GoodStatus = 200 | 201 | 202 | 204 | 304;
type Content<Status, Schema> = Status extends 204 | 304
  ? undefined
  : Schema extends z.ZodType
    ? z.output<Schema>
    : string;

/**
 * What a call is answered with, one form for each status that is no refusal.
 * @source OpenAPI 3.1, Responses Object
 */
export type AnswerOf<Schema> = Schema extends { response: infer Responses }
  ? {
      [Status in keyof Responses as Status extends GoodStatus ? Status : never]: {
        status: Status;
        headers: Headers;
        body: Content<Status, Responses[Status]>;
      };
    } extends infer Answers
    ? Answers[keyof Answers]
    : never
  : never;
