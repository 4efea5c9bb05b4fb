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
