import { Problem } from '../errors.js';

/**
 * The cursor is none that this service gave, or it can no longer be followed.
 * @source product contract, Settled details ("`?cursor=`")
 */
export function cursorInvalid(expected: string): Problem {
  const faults = [{ parameter: 'cursor', message: expected }];
  return new Problem({ code: 'CURSOR_INVALID', kind: 'invalid', message: `cursor: ${expected}`, faults });
}

const shownIdLength = 200;

/**
 * No trajectory has this id.
 * @source product contract, Trajectories ("GET /api/trajectories/{id}"); RFC 9110 section 15.5.5
 */
export function trajectoryNotFound(trajectoryId: string): Problem {
  const shown = trajectoryId.length > shownIdLength ? `${trajectoryId.slice(0, shownIdLength)}...` : trajectoryId;
  return new Problem({
    code: 'TRAJECTORY_NOT_FOUND',
    kind: 'missing',
    message: `Expected the id of a stored trajectory, got "${shown}"`,
  });
}

/**
 * The records of a page together are larger than a page may be.
 * @param found bytes that the first `rows` of the page have; the others were not read
 * @source product contract, Promises 6; RFC 9110 section 15.5.21
 */
export function pageTooLarge(found: {
  maxBytes: number;
  bytes: number;
  rows: number;
  of: number;
  parameter: string;
  otherwise: string;
}): Problem {
  const { maxBytes, bytes, rows, of, parameter, otherwise } = found;
  const expected = `expected records of at most ${maxBytes} bytes together, got ${bytes} in the first ${rows} of ${of}`;
  const help = `ask for a smaller ${parameter}${otherwise}`;
  return new Problem({
    code: 'PAGE_TOO_LARGE',
    kind: 'unprocessable',
    message: `The page is too large: ${expected}; ${help}`,
    faults: [{ parameter, message: expected }],
    extra: { max_bytes: maxBytes },
  });
}

/**
 * More writes wait for their turn than may, as a rule because the table is being rewritten.
 * @source product contract, Promises 6; RFC 9110 section 15.6.4
 */
export function writesBusy(waiting: number): Problem {
  return new Problem({
    code: 'WRITES_BUSY',
    kind: 'unavailable',
    message: `Expected fewer writes at once: ${waiting} wait for their turn already; nothing was stored, try again later`,
    headers: { 'retry-after': '5' },
  });
}
