import type { IncomingHttpHeaders } from 'node:http';
import type { DirectAnswer, DirectRequest, DirectRoute } from '../../http/index.js';
import type { Canvases } from '../canvases.js';
import { preconditionFailed } from '../errors.js';
import type { CanvasAnswer, CanvasQuestion } from '../reading/canvas-reads.js';
import { acceptedCodings, versionTag } from '../reading/coding/content-coding.js';
import { matchesStrongly } from '../writing/preconditions.js';
import { knownVersionOf, preconditionsOf } from './canvas-headers.js';

const cacheStatus = {
  hit: 'canvas-learning-backend; hit',
  miss: 'canvas-learning-backend; fwd=miss',
  off: 'canvas-learning-backend; fwd=bypass',
};

/**
 * The pattern of the route that reads a canvas.
 * @source product contract, Canvases (`GET`)
 */
export const canvasEndpoint = '/canvas/:path';

/**
 * The codings that the client of a request accepts; a list of headers of that name is one header.
 * @source RFC 9110 sections 5.3 and 12.5.3
 */
export const codingsOf = (headers: IncomingHttpHeaders) =>
  acceptedCodings(headers['accept-encoding'] as string | undefined);

/**
 * The headers of an answer, names and values in turn.
 * @source product contract, Canvases (`GET`); RFC 9110 section 8; RFC 9211
 */
export function canvasHeaders({ etag, lastModified, cache, coding, body }: CanvasAnswer): string[] {
  const headers = ['etag', etag, 'last-modified', lastModified, 'cache-control', 'no-cache'];
  headers.push('cache-status', cacheStatus[cache], 'vary', 'Accept-Encoding');
  if (body === undefined) return headers;
  if (coding !== undefined) headers.push('content-encoding', coding);
  headers.push('content-type', 'application/json; charset=utf-8', 'content-length', String(body.length));
  return headers;
}

const demandsVersion = (headers: IncomingHttpHeaders) =>
  headers['if-match'] !== undefined || headers['if-unmodified-since'] !== undefined;

/**
 * Lets an answer pass to a client that demands the version it knows, by If-Match or If-Unmodified-Since.
 * @throws Problem PRECONDITION_FAILED
 * @source RFC 9110 sections 13.1.1, 13.1.4 and 13.2.2
 */
export function checkDemanded(headers: IncomingHttpHeaders, answer: CanvasAnswer): void {
  if (!demandsVersion(headers)) return;
  const { ifMatch, ifUnmodifiedSinceMs = Number.POSITIVE_INFINITY } = preconditionsOf(headers);
  const etag = versionTag(answer.etag);
  const holds = ifMatch ? matchesStrongly(ifMatch, etag) : Date.parse(answer.lastModified) <= ifUnmodifiedSinceMs;
  if (!holds) throw preconditionFailed(etag);
}

/** Where the escapes are broken, no canvas has such a path, and its route says what is wrong. */
function decodedPath(rest: string): string {
  if (!rest.includes('%')) return rest;
  try {
    return decodeURIComponent(rest);
  } catch {
    return '';
  }
}

const questionOf = ({ rest, headers }: DirectRequest): CanvasQuestion => ({
  // No canvas has an empty path: the route refuses what is demanded in vain.
  path: demandsVersion(headers) ? '' : decodedPath(rest),
  known: knownVersionOf(headers),
  accepted: codingsOf(headers),
});

const directAnswerOf = (answer: CanvasAnswer): DirectAnswer => ({
  status: answer.body ? 200 : 304,
  headers: canvasHeaders(answer),
  body: answer.body,
});

/**
 * Answers the read of a canvas that is in memory without the framework. What is in memory lies under a path that was
 * checked when it was read or written, so a path that breaks a rule is never found here, and its route refuses it.
 * @source product contract, Canvases (`GET`), `canvas_cache`
 */
export function directCanvases(canvases: Pick<Canvases, 'readAtOnce'>): DirectRoute {
  return {
    prefix: '/canvas/',
    endpoint: canvasEndpoint,
    answer: (requests) =>
      canvases.readAtOnce(requests.map(questionOf)).map((answer) => answer && directAnswerOf(answer)),
  };
}
