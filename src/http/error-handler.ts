import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { type InputFault, Problem } from '../errors.js';
import type { Logger } from '../logger.js';
import { problemDocument, problemMediaType, statusOfKind } from './problem.js';

/** Where a fault lies: a query or path parameter, a header, or a place in the body. */
function inputFaults(error: FastifyError): InputFault[] {
  if (!hasZodFastifySchemaValidationErrors(error)) return [];
  const inBody = error.validationContext === 'body';
  return error.validation.flatMap((fault) => {
    const path = fault.instancePath.split('/').filter((part) => part !== '');
    const unknownKeys = (fault.params as { keys?: unknown }).keys;
    if (Array.isArray(unknownKeys)) {
      return unknownKeys.map((key) => {
        const name = String(key).slice(0, 100);
        const message = 'expected no such name';
        return inBody ? { pointer: `/${[...path, name].join('/')}`, message } : { parameter: name, message };
      });
    }
    const message = fault.message ?? 'expected another value';
    return [inBody ? { pointer: `/${path.join('/')}`, message } : { parameter: path.join('.'), message }];
  });
}

const describeFaults = (faults: InputFault[]) =>
  faults.map((fault) => `${fault.parameter ?? fault.pointer ?? ''}: ${fault.message}`).join('; ') ||
  'The request is not of the documented form';

/** Fastify's own refusals, in the product's words. */
const refusals: Record<string, (request: FastifyRequest) => Problem> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ({ headers }) =>
    new Problem({
      code: 'MEDIA_TYPE_UNSUPPORTED',
      kind: 'unsupported_type',
      message: `Expected a Content-Type that this address takes, got ${headers['content-type']?.slice(0, 100) ?? 'none'}`,
    }),
  FST_ERR_CTP_BODY_TOO_LARGE: ({ routeOptions, headers }) =>
    new Problem({
      code: 'BODY_TOO_LARGE',
      kind: 'too_large',
      message: `Expected a body of at most ${routeOptions.bodyLimit} bytes, got ${headers['content-length'] ?? 'more'}`,
    }),
  FST_ERR_CTP_EMPTY_JSON_BODY: () =>
    new Problem({ code: 'BODY_MALFORMED', kind: 'invalid', message: 'Expected a JSON body, got none' }),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new Problem({ code: 'BODY_MALFORMED', kind: 'invalid', message: 'The body is not as long as Content-Length says' }),
  FST_ERR_BAD_URL: () =>
    new Problem({ code: 'URL_MALFORMED', kind: 'invalid', message: 'Expected a URL with valid percent-encoding' }),
  FST_ERR_MAX_PARAM_LENGTH: () =>
    new Problem({ code: 'URL_MALFORMED', kind: 'invalid', message: 'A part of the URL is longer than allowed' }),
};

function asProblem(error: FastifyError | Problem, request: FastifyRequest): Problem {
  if (error instanceof Problem) return error;
  if (error.validation) {
    const faults = inputFaults(error);
    return new Problem({ code: 'INPUT_INVALID', kind: 'invalid', message: describeFaults(faults), faults });
  }
  const refusal = refusals[error.code];
  if (refusal) return refusal(request);
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) {
    return new Problem({
      code: 'REQUEST_INVALID',
      kind: 'invalid',
      message: 'The request is not of the documented form',
      cause: error,
    });
  }
  return new Problem({
    code: 'INTERNAL',
    kind: 'internal',
    message: 'The service failed at this request; its log says more',
    cause: error,
  });
}

const pathOf = (request: FastifyRequest) => request.originalUrl.split('?', 1)[0]?.slice(0, 2048);

/** Sends an error as its problem document. */
type SendError = (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/**
 * Makes the one function that turns whatever was thrown into a problem document. Faults of the service itself (5xx)
 * are logged with their cause; faults of the input are not, since the request line says enough.
 * @source RFC 9457; story-17.4 ADR-0009
 */
export function createErrorHandler(logger: Logger): SendError {
  return (error, request, reply) => {
    const problem = asProblem(error, request);
    const status = statusOfKind[problem.kind];
    if (status >= 500) {
      logger.error({ requestId: request.id, code: problem.code, err: problem.cause ?? problem }, 'request failed');
    }
    if (problem.headers) reply.headers(problem.headers);
    return reply
      .code(status)
      .header('cache-control', 'no-store')
      .type(problemMediaType)
      .send(JSON.stringify(problemDocument(problem, status, pathOf(request))));
  };
}
