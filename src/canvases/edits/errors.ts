import { type InputFault, Problem } from '../../errors.js';

/** A client's text inside a message: quoted, and short whatever its length. @source RFC 9457 section 3.1.4 */
export const shown = (text: string) => JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);

/**
 * The canvas on disk, or what an edit would make of it, is no canvas.
 * @source product contract, Settled details, Canvases (422 `CANVAS_INVALID`)
 */
export const canvasInvalid = (message: string, pointer?: string): Problem =>
  new Problem({
    code: 'CANVAS_INVALID',
    kind: 'unprocessable',
    message,
    ...(pointer === undefined ? {} : { faults: [{ pointer, message }] }),
  });

/**
 * The text of the canvas is no JSON at this byte.
 * @source RFC 8259
 */
export const textInvalid = (at: number, expected: string): Problem =>
  canvasInvalid(`Expected the canvas to be valid JSON: at byte ${at} expected ${expected}`);

/**
 * The patch or the element that a client sent cannot be read as what it claims to be.
 * @source RFC 5789 section 2.2 ("Malformed patch document")
 */
export const patchMalformed = (message: string, pointer = ''): Problem =>
  new Problem({ code: 'CANVAS_PATCH_MALFORMED', kind: 'invalid', message, faults: [{ pointer, message }] });

/**
 * A `test` operation did not hold.
 * @source product contract, Settled details, Canvases ("A failed JSON Patch `test` is 409")
 */
export const patchTestFailed = (message: string, pointer: string): Problem =>
  new Problem({ code: 'CANVAS_PATCH_TEST_FAILED', kind: 'conflict', message, faults: [{ pointer, message }] });

/**
 * An operation names a place that the canvas does not have.
 * @source RFC 5789 section 2.2 ("Conflicting state")
 */
export const patchPathUnknown = (message: string, pointer: string): Problem =>
  new Problem({ code: 'CANVAS_PATCH_PATH_UNKNOWN', kind: 'conflict', message, faults: [{ pointer, message }] });

/**
 * More operations in one request than are taken.
 * @source RFC 5789 section 2.2 ("Request too large")
 */
export const patchTooLong = (count: number, max: number): Problem =>
  new Problem({
    code: 'CANVAS_PATCH_TOO_LONG',
    kind: 'too_large',
    message: `Expected at most ${max} operations, got ${count}`,
  });

/**
 * The operations together read or copy more than one request may.
 * @source product contract, Promises (6)
 */
export const patchTooCostly = (): Problem =>
  new Problem({
    code: 'CANVAS_PATCH_TOO_COSTLY',
    kind: 'unprocessable',
    message: 'Expected operations that touch parts of the canvas, got ones that read or copy large parts many times',
  });

/**
 * The canvas would grow past its limit.
 * @source product contract, Canvases (16 MiB)
 */
export const resultTooLarge = (maxBytes: number): Problem =>
  new Problem({
    code: 'CANVAS_EDIT_TOO_LARGE',
    kind: 'too_large',
    message: `Expected the edited canvas to have at most ${maxBytes} bytes`,
  });

/**
 * What kind of element an edit is about, and the name of its array is `nodes` or `edges`.
 * @source JSON Canvas 1.0
 */
export type ElementKind = 'node' | 'edge';

/**
 * No node, or no edge, has this id.
 * @source product contract, Canvases (`PATCH|DELETE .../nodes/{id}`)
 */
export const elementUnknown = (kind: ElementKind, id: string): Problem =>
  kind === 'node'
    ? new Problem({
        code: 'CANVAS_NODE_UNKNOWN',
        kind: 'missing',
        message: `Expected the id of a node of this canvas, got ${shown(id)}`,
      })
    : new Problem({
        code: 'CANVAS_EDGE_UNKNOWN',
        kind: 'missing',
        message: `Expected the id of an edge of this canvas, got ${shown(id)}`,
      });

/**
 * The id of a new element is in use.
 * @source product contract, Canvases ("unique ids")
 */
export const idTaken = (kind: ElementKind, id: string): Problem => {
  const message = `Expected an id that no ${kind} of this canvas has, got ${shown(id)}`;
  return new Problem({ code: 'CANVAS_ID_TAKEN', kind: 'conflict', message, faults: [{ pointer: '/id', message }] });
};

/**
 * An edit of one element would give it another id.
 * @source JSON Canvas 1.0 (edges name their nodes by id)
 */
export const idChanged = (kind: ElementKind, id: string): Problem => {
  const message = `Expected the ${kind} to keep its id ${shown(id)}`;
  return new Problem({
    code: 'CANVAS_ID_CHANGED',
    kind: 'unprocessable',
    message,
    faults: [{ pointer: '/id', message }],
  });
};

/**
 * An edge would begin or end at a node that is not there.
 * @source product contract, Canvases ("edges whose ends exist")
 */
export const edgeEndUnknown = (faults: InputFault[]): Problem =>
  new Problem({
    code: 'CANVAS_EDGE_END_UNKNOWN',
    kind: 'unprocessable',
    message: 'Expected an edge between two nodes of this canvas',
    faults,
  });
