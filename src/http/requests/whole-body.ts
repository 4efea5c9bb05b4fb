/**
 * Reads a body into one buffer, piece by piece as it comes. Fastify keeps the pieces in a list until the end, where each
 * takes some hundred bytes more than it brings: 16 MiB sent in chunks of one byte took gigabytes.
 */
import type { IncomingMessage } from 'node:http';
import { errorCodes, type FastifyRequest } from 'fastify';

const firstBytes = 64 * 1024;

type Done = (error: Error | null, body?: Buffer) => void;

/** Room for `wanted` bytes, as much again as there was, and no more than there can be. */
function grown(bytes: Buffer, length: number, wanted: number, most: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.min(Math.max(wanted, 2 * bytes.length), most));
  bytes.copy(larger, 0, 0, length);
  return larger;
}

/**
 * The whole body of a request, at most as long as its route allows.
 * @param done gets the bytes, empty ones for a body without any, or the error: Fastify's own for a body that is too large
 *   or not as long as its Content-Length, else the one of the connection
 * @source Fastify documentation, "Content-Type Parser"; product contract, Promises 6
 */
export function readWholeBody({ headers, routeOptions }: FastifyRequest, payload: IncomingMessage, done: Done): void {
  const maxBytes = routeOptions.bodyLimit;
  const announced = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
  const most = announced ?? maxBytes;
  if (most > maxBytes) {
    done(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
    return;
  }
  let bytes: Buffer = Buffer.allocUnsafe(Math.min(most, firstBytes));
  let length = 0;
  const end = (error: Error | null) => {
    payload.off('data', take).off('end', finish).off('error', fail);
    if (error) done(error);
    else done(null, length === bytes.length ? bytes : Buffer.from(bytes.subarray(0, length)));
  };
  const take = (piece: Buffer) => {
    const wanted = length + piece.length;
    if (wanted > maxBytes) return end(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
    if (wanted > bytes.length) bytes = grown(bytes, length, wanted, Math.max(most, wanted));
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
