import { type InputFault, Problem } from '../errors.js';

/** The largest canvas, in bytes. @source product contract, "Body limit 16 MiB" */
export const maxCanvasBytes = 16 * 1024 * 1024;

/** @source product contract, Canvases ("Refused (404/400 ...)") */
export const pathInvalid = (message: string): Problem =>
  new Problem({
    code: 'CANVAS_PATH_INVALID',
    kind: 'invalid',
    message: `Path of the canvas: ${message}`,
    faults: [{ parameter: 'path', message }],
  });

/**
 * One answer for "missing", "outside the vault" and "no regular file", so that nobody can tell them apart.
 * @source product contract, Canvases ("same body for outside and missing")
 */
export const canvasNotFound = (): Problem =>
  new Problem({ code: 'CANVAS_NOT_FOUND', kind: 'missing', message: 'There is no canvas at this path' });

/** @source product contract, Settled details ("409 on creation") */
export const nameClash = (sibling: string): Problem =>
  new Problem({
    code: 'CANVAS_NAME_CLASH',
    kind: 'conflict',
    message: `Expected a name that differs from "${sibling}" in more than case or Unicode form`,
  });

/** @source product contract, Canvases (`POST /canvas/{path}/move`) */
export const canvasExists = (): Problem =>
  new Problem({
    code: 'CANVAS_EXISTS',
    kind: 'conflict',
    message: 'Expected a path at which there is no canvas yet',
  });

/** The body is no JSON text that could be a canvas. @source RFC 8259; product contract ("strict UTF-8") */
export const canvasMalformed = (message: string): Problem =>
  new Problem({ code: 'CANVAS_MALFORMED', kind: 'invalid', message });

/** The body is JSON, but breaks the rules of a canvas. @source JSON Canvas 1.0 */
export const canvasInvalid = (faults: InputFault[]): Problem =>
  new Problem({
    code: 'CANVAS_INVALID',
    kind: 'unprocessable',
    message: `Not a JSON Canvas: ${faults[0]?.pointer || 'the document'}: ${faults[0]?.message}`,
    faults,
  });

/** The stored file is no JSON, and nobody is changing it. @source product contract, Settled details */
export const storedCanvasInvalid = (etag: string): Problem =>
  new Problem({
    code: 'CANVAS_INVALID',
    kind: 'unprocessable',
    message: 'The stored file is not valid JSON; it is replaced only by a request with If-Match',
    extra: { etag },
  });

/** A request without If-Match would replace what nobody could have read. @source product contract, Settled details */
export const unreadableNotReplaced = (etag: string | undefined): Problem =>
  new Problem({
    code: 'CANVAS_FILE_INVALID',
    kind: 'conflict',
    message:
      etag === undefined
        ? 'The stored file is too large to be read; expected "If-Match: *" to replace it'
        : `The stored file is not valid JSON; expected If-Match with ${etag} to replace it`,
    ...(etag === undefined ? {} : { extra: { etag } }),
  });

/** @source product contract, Canvases ("Body limit 16 MiB") */
export const canvasTooLarge = (bytes: number): Problem =>
  new Problem({
    code: 'CANVAS_TOO_LARGE',
    kind: 'unprocessable',
    message: `Expected a canvas of at most ${maxCanvasBytes} bytes, got ${bytes}`,
  });

/** Another program is half-way through writing the file. @source product contract, Settled details */
export const canvasBusy = (): Problem =>
  new Problem({
    code: 'CANVAS_BUSY',
    kind: 'unavailable',
    message: 'The file is being changed by another program and is not complete yet',
    headers: { 'retry-after': '1' },
  });

const mergeHints = {
  known: '; the same request with "Prefer: handling=merge" merges its changes with those',
  unknown: '; the version that If-Match names is not known any more, so it cannot be merged',
};

/**
 * @param base for a request that could be merged: whether the version is known that it changed
 * @source RFC 9110 section 15.5.13; product contract, Canvases
 */
export const preconditionFailed = (etag: string | undefined, base?: 'known' | 'unknown'): Problem =>
  new Problem({
    code: 'PRECONDITION_FAILED',
    kind: 'precondition_failed',
    message:
      etag === undefined
        ? 'The precondition does not hold: there is no canvas at this path'
        : `The precondition does not hold: the canvas is now ${etag}${base ? mergeHints[base] : ''}`,
    extra: { etag: etag ?? null, ...(base ? { base } : {}) },
    ...(etag === undefined ? {} : { headers: { etag } }),
  });

/** @source product contract, Settled details ("other types 415") */
export const mediaTypeUnsupported = (accepted: string): Problem =>
  new Problem({
    code: 'CANVAS_TYPE_UNSUPPORTED',
    kind: 'unsupported_type',
    message: `Expected Content-Type to be one of ${accepted}, in UTF-8`,
    headers: { accept: accepted },
  });

/**
 * @param accepted the types of patches, separated by commas
 * @source RFC 5789 section 2.2 (`Accept-Patch`); product contract, Canvases (PATCH)
 */
export const patchTypeUnsupported = (accepted: string): Problem =>
  new Problem({
    code: 'CANVAS_PATCH_TYPE_UNSUPPORTED',
    kind: 'unsupported_type',
    message: `Expected Content-Type to be one of ${accepted}, in UTF-8`,
    headers: { 'accept-patch': accepted },
  });

/** @source RFC 9110 section 12.5.3 (a 415 for a content coding names the accepted ones) */
export const encodingUnsupported = (): Problem =>
  new Problem({
    code: 'CANVAS_ENCODING_UNSUPPORTED',
    kind: 'unsupported_type',
    message: 'Expected a body without Content-Encoding',
    headers: { 'accept-encoding': 'identity' },
  });

/** @source product contract, Settled details (`GET /canvas`) */
export const cursorInvalid = (): Problem =>
  new Problem({
    code: 'CURSOR_INVALID',
    kind: 'invalid',
    message: 'Expected a cursor that an earlier answer gave as next_cursor',
    faults: [{ parameter: 'cursor', message: 'expected a cursor that an earlier answer gave as next_cursor' }],
  });

/** @source product contract, Promises 6 ("queues by length") */
export const writesBackedUp = (): Problem =>
  new Problem({
    code: 'WRITES_BACKED_UP',
    kind: 'unavailable',
    message: 'More is waiting to be written than this service keeps in memory',
    headers: { 'retry-after': '1' },
  });

/** @source product contract, Promises 1 (what is accepted is written before the end) */
export const canvasesClosed = (): Problem =>
  new Problem({
    code: 'CANVASES_CLOSED',
    kind: 'unavailable',
    message: 'The service is stopping and stores nothing more',
    headers: { 'retry-after': '5' },
  });

const errnoOf = (error: unknown) => (error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined);

const unavailable = (cause: unknown) =>
  new Problem({
    code: 'VAULT_UNAVAILABLE',
    kind: 'unavailable',
    message: 'The folder of canvases cannot be used at the moment',
    headers: { 'retry-after': '1' },
    cause,
  });

/** A step of a path that leads to no regular file inside the vault: missing, a link, a folder, a socket. */
const nowhere = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR', 'ENXIO', 'ENAMETOOLONG', 'ENODEV']);

/** @source open(2), ERRORS */
export const leadsNowhere = (error: unknown): boolean => nowhere.has(errnoOf(error) ?? '');

/**
 * The answer for a file that could not be read. Errors without a system code are passed on: they are faults of ours.
 * @source open(2), ERRORS; product contract, Promises 5
 */
export function readFailure(error: unknown): unknown {
  if (error instanceof Problem || errnoOf(error) === undefined) return error;
  return leadsNowhere(error) ? canvasNotFound() : unavailable(error);
}

/**
 * The answer for a file that could not be written.
 * @source write(2), rename(2), ERRORS; RFC 4918 section 11.5 (507)
 */
export function writeFailure(error: unknown): unknown {
  const code = errnoOf(error);
  if (error instanceof Problem || code === undefined) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new Problem({
      code: 'STORAGE_FULL',
      kind: 'storage_full',
      message: 'There is no room left to store the canvas; nothing was changed',
      cause: error,
    });
  }
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') {
    return new Problem({
      code: 'VAULT_NOT_WRITABLE',
      kind: 'unavailable',
      message: 'The service may not write this canvas; nothing was changed',
      cause: error,
    });
  }
  if (code === 'ENAMETOOLONG') return pathInvalid('expected a path that the file system can hold');
  return leadsNowhere(error) ? canvasNotFound() : unavailable(error);
}
