import { z } from 'zod';
import type { ErrorKind, Problem } from '../errors.js';

/**
 * The status each kind of error is answered with. The only place that knows.
 * @source RFC 9110 section 15; RFC 4918 section 11.5 (507)
 */
export const statusOfKind: Record<ErrorKind, number> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  missing: 404,
  method_not_allowed: 405,
  not_acceptable: 406,
  request_timeout: 408,
  conflict: 409,
  precondition_failed: 412,
  too_large: 413,
  unsupported_type: 415,
  misdirected: 421,
  unprocessable: 422,
  too_many: 429,
  internal: 500,
  upstream_failed: 502,
  unavailable: 503,
  upstream_timeout: 504,
  storage_full: 507,
};

const titles: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  507: 'Insufficient Storage',
};

/**
 * The problem document: RFC 9457's members, a stable `code`, and the faults of a rejected input.
 * @source RFC 9457; product contract, "HTTP"
 */
export const problemSchema = z
  .looseObject({
    type: z.string().meta({ description: 'A name for the kind of problem, the same for ever' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What was expected and what was got' }),
    instance: z.string().optional(),
    code: z.string().meta({ description: 'Stable, listed in docs/errors.md' }),
    errors: z
      .array(z.object({ pointer: z.string().optional(), parameter: z.string().optional(), message: z.string() }))
      .optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem document' });

/** @source RFC 9457 */
export type ProblemDocument = z.infer<typeof problemSchema>;

/** The media type of every error answer. @source RFC 9457 section 3 */
export const problemMediaType = 'application/problem+json';

/**
 * Writes a problem as the document the client gets.
 * @param instance the path that was asked for, as the client sent it
 * @source RFC 9457 section 3.1
 */
export function problemDocument(problem: Problem, status: number, instance: string | undefined): ProblemDocument {
  return {
    type: `urn:problem:canvas-learning-backend:${problem.code.toLowerCase().replaceAll('_', '-')}`,
    title: titles[status] ?? 'Error',
    status,
    detail: problem.message,
    ...(instance === undefined ? {} : { instance }),
    code: problem.code,
    ...(problem.faults ? { errors: problem.faults } : {}),
    ...problem.extra,
  };
}

/**
 * The `response` entries of a route schema for the error statuses it can answer with.
 * @source OpenAPI 3.1, Responses Object
 */
export function problemResponses(...statuses: number[]): Record<number, typeof problemSchema> {
  return Object.fromEntries(statuses.map((status) => [status, problemSchema]));
}
