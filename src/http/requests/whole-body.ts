/**
 * Reads a body into one buffer, piece by piece as it comes. Fastify keeps the pieces in a list until the end, where each
 * takes some hundred bytes more than it brings: 16 MiB sent in chunks of one byte took gigabytes.
 */
import type { IncomingMessage } from 'node:http';
import { errorCodes, type FastifyRequest } from 'fastify';

const firstBytes = 16 * 1024;

type Done = (error: Error | null, body?: Buffer) => void;

const growths = new WeakMap<FastifyRequest, (bytes: number) => void>();

/**
 * Lets somebody follow how much memory the body of a request takes while it comes.
 * @param onGrown gets the bytes by which the buffer is about to grow; what it throws refuses the body
 * @source product contract, Promises 6
 */
export function followBody(request: FastifyRequest, onGrown: (bytes: number) => void): void {
  growths.set(request, onGrown);
}

/**
 * The whole body of a request, at most as long as its route allows.
 * @param done gets the bytes, empty ones for a body without any, or the error: Fastify's own for a body that is too large
 *   or not as long as its Content-Length, the one of who follows it, or the one of the connection
 * @source Fastify documentation, "Content-Type Parser"; product contract, Promises 6
 */
export function readWholeBody(request: FastifyRequest, payload: IncomingMessage, done: Done): void {
  const { headers, routeOptions } = request;
  const onGrown = growths.get(request);
  const maxBytes = routeOptions.bodyLimit;
  const announced = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
  const most = announced ?? maxBytes;
  if (most > maxBytes) {
    done(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
    return;
  }
  let bytes: Buffer = Buffer.alloc(0);
  let length = 0;
  const end = (error: Error | null) => {
    payload.off('data', take).off('end', finish).off('error', fail);
    if (error) done(error);
    else done(null, length === bytes.length ? bytes : Buffer.from(bytes.subarray(0, length)));
  };
  const take = (piece: Buffer) => {
    const wanted = length + piece.length;
    if (wanted > maxBytes) return end(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
    if (wanted > bytes.length) {
      // As much again as there is, and no more than there can be.
      const room = Math.max(wanted, Math.min(most, Math.max(firstBytes, 2 * bytes.length)));
      try {
        onGrown?.(room - bytes.length);
      } catch (error) {
        return end(error as Error);
      }
      const larger = Buffer.allocUnsafe(room);
      bytes.copy(larger, 0, 0, length);
      bytes = larger;
    }
    piece.copy(bytes, length);
    length = wanted;
  };
  const finish = () => {
    const isAsAnnounced = announced === undefined || announced === length;
    end(isAsAnnounced ? null : new errorCodes.FST_ERR_CTP_INVALID_CONTENT_LENGTH());
  };
  const fail = (error: Error) => end(Object.assign(error, { statusCode: 400 }));
  payload.on('data', take).on('end', finish).on('error', fail);
  payload.resume();
}
