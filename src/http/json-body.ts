import type { FastifyInstance } from 'fastify';
import { Problem } from '../errors.js';
import { readWholeBody } from './requests/whole-body.js';

const usualDepth = 64;

/** Depth of brackets outside strings; stops counting past the limit. Works on bytes: no bracket hides in UTF-8. */
function isTooDeep(body: Buffer, maxDepth: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < body.length; i++) {
    const byte = body[i];
    if (inString) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      depth++;
      if (depth > maxDepth) return true;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return false;
}

const malformed = (message: string) => new Problem({ code: 'BODY_MALFORMED', kind: 'invalid', message });

/**
 * Reads small JSON bodies (up to Fastify's 1 MiB) strictly: UTF-8 only, so many levels deep at most, no `__proto__`.
 * Plain text is no body here: a foreign page may send it without asking first. Routes with other bodies bring their own parser.
 * @source RFC 8259; Fetch standard, "CORS-safelisted request-header" (text/plain needs no preflight)
 */
export function installJsonBody(server: FastifyInstance, { maxDepth = usualDepth } = {}): void {
  const parse = server.getDefaultJsonParser('error', 'error');
  const decoder = new TextDecoder('utf-8', { fatal: true });
  server.removeContentTypeParser('text/plain');
  server.removeContentTypeParser('application/json');
  server.addContentTypeParser('application/json', (request, payload, done) =>
    readWholeBody(request, payload, (failure, body) => {
      if (!body) return done(failure);
      if (body.length === 0) return done(null, undefined);
      if (isTooDeep(body, maxDepth)) return done(malformed(`Expected JSON at most ${maxDepth} levels deep`), undefined);
      let text: string;
      try {
        text = decoder.decode(body);
      } catch {
        return done(malformed('Expected UTF-8 text, got other bytes'), undefined);
      }
      return parse(request, text, (error, value) =>
        error ? done(malformed('Expected valid JSON'), undefined) : done(null, value),
      );
    }),
  );
}
