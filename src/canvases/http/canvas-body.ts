import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyRequest, HookHandlerDoneFunction } from 'fastify';
import type { FastifyRouteSchemaDef, FastifyValidationResult } from 'fastify/types/schema.js';
import { validatorCompiler } from 'fastify-type-provider-zod';
import type { Problem } from '../../errors.js';
import { followBody, readWholeBody } from '../../http/index.js';
import { patchMalformed } from '../edits/errors.js';
import { encodingUnsupported, mediaTypeUnsupported, patchTypeUnsupported, writesBackedUp } from '../errors.js';

/** What a canvas may be sent as. @source product contract, Settled details */
export const canvasMediaTypes = ['application/json', 'application/vnd.jsoncanvas+json'];
/** What a patch of a canvas may be sent as. @source product contract, Canvases (PATCH) */
export const patchMediaTypes = ['application/json-patch+json', 'application/merge-patch+json'];
/** What a new node or edge may be sent as. @source product contract, Canvases (`POST /canvas/{path}/nodes`) */
export const elementMediaTypes = ['application/json'];
/** What a patch of one node or edge may be sent as. @source product contract, Settled details */
export const elementPatchMediaTypes = ['application/merge-patch+json', 'application/json'];

const utf8Type = /^([a-z]+\/[a-z.+-]+)(?:[ \t]*;[ \t]*charset=(?:utf-?8|"utf-?8"))?[ \t]*;?$/;

/**
 * The media type of a body, in lower case; undefined when there is none, or it names another character set than UTF-8
 * or any further parameter.
 * @source RFC 9110 section 8.3
 */
export const mediaTypeOf = (headers: IncomingHttpHeaders): string | undefined =>
  utf8Type.exec((headers['content-type'] ?? '').trim().toLowerCase())?.[1];

type CheckHeaders = (request: FastifyRequest, reply: unknown, done: HookHandlerDoneFunction) => void;

function checkHeaders(accepted: readonly string[], refuse: (accepted: string) => Problem): CheckHeaders {
  return ({ headers }, _reply, done) => {
    const encoding = headers['content-encoding'];
    if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') throw encodingUnsupported();
    if (!accepted.includes(mediaTypeOf(headers) ?? '')) throw refuse(accepted.join(', '));
    done();
  };
}

/**
 * Makes a hook that refuses a body of another type, or an encoded one, by its headers, before it is read.
 * @throws Problem CANVAS_TYPE_UNSUPPORTED, CANVAS_ENCODING_UNSUPPORTED
 * @source RFC 9110 sections 8.3, 8.4 and 15.5.16
 */
export const takesOnly = (accepted: readonly string[]): CheckHeaders => checkHeaders(accepted, mediaTypeUnsupported);

/**
 * The same for patches.
 * @throws Problem CANVAS_PATCH_TYPE_UNSUPPORTED, CANVAS_ENCODING_UNSUPPORTED
 * @source RFC 5789 section 2.2
 */
export const takesOnlyPatches = (accepted: readonly string[]): CheckHeaders =>
  checkHeaders(accepted, patchTypeUnsupported);

/**
 * Bodies of these types reach the handlers as the bytes that were sent, whose keys and numbers nobody has read yet.
 * @source product contract, Canvases ("unknown keys, key order, number spelling and indentation are kept")
 */
export function readBodiesAsBytes(server: FastifyInstance, mediaTypes: string[]): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(mediaTypes, readWholeBody);
}

const mebibyte = 1024 * 1024;

/**
 * Bytes that are in memory for as long as clients take to send or to receive them, of many requests together.
 * @source product contract, Promises 6
 */
export class ExchangedBytes {
  readonly #maxBytes: number;
  readonly #refusal: () => Problem;
  #bytes = 0;

  /** @param maxBytes one request is let in however large it is */
  constructor(maxBytes: number, refusal: () => Problem) {
    this.#maxBytes = maxBytes;
    this.#refusal = refusal;
  }

  /**
   * Counts what one request takes, little by little, until its answer has gone or its client has.
   * @returns books more bytes; it throws the Problem where there is no room, or the client has gone already
   */
  bookingFor(answer: ServerResponse): (bytes: number) => void {
    let own = 0;
    answer.once('close', () => {
      this.#bytes -= own;
    });
    return (bytes) => {
      const others = this.#bytes - own;
      if ((others > 0 && this.#bytes + bytes > this.#maxBytes) || answer.destroyed) throw this.#refusal();
      own += bytes;
      this.#bytes += bytes;
    };
  }
}

/**
 * Bounds the memory for bodies that are on their way, or are being worked on, of all routes below: what has come of them
 * counts, not what was announced. Slow clients in any number hold no more.
 * @param maxBytes one body is let in however large it is; of others that would be more, the rest is not read
 * @throws Problem WRITES_BACKED_UP, to who sends the body
 * @source product contract, Promises 6
 */
export function boundArrivingBodies(server: FastifyInstance, maxBytes = 256 * mebibyte): void {
  const arriving = new ExchangedBytes(maxBytes, writesBackedUp);
  server.addHook('onRequest', (request, reply, done) => {
    const { headers } = request;
    const hasBody = headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined;
    if (hasBody) followBody(request, arriving.bookingFor(reply.raw));
    done();
  });
}

/**
 * For routes that check the bytes of the body themselves: their schema of the body is for the OpenAPI document.
 * @source Fastify documentation, "Validation and Serialization"
 */
export const allButBodyValidator = (
  route: FastifyRouteSchemaDef<unknown>,
): FastifyValidationResult | ((value: unknown) => { value: unknown }) =>
  route.httpPart === 'body' ? (value: unknown) => ({ value }) : validatorCompiler(route as never);

/**
 * The bytes of a patch, a node or an edge.
 * @param expected what should have been sent, for the message
 * @throws Problem CANVAS_PATCH_MALFORMED when nothing was
 * @source RFC 5789 section 2.2 ("Malformed patch document")
 */
export function bytesSent(body: unknown, expected: string): Buffer {
  if (!Buffer.isBuffer(body) || body.length === 0) throw patchMalformed(`Expected ${expected}, got an empty body`);
  return body;
}
