import { type InputFault, Problem } from '../../errors.js';

/**
 * The record cannot be brought to its normal form.
 * @param reasons each `field: expected ..., got ...`, or without a field
 * @source product contract, Trajectories ("Record"); RFC 9457
 */
export function trajectoryInvalid(reasons: readonly string[]): Problem {
  const faults = reasons.map((reason): InputFault => {
    const [, field, message] = /^([\w.]+): (.*)$/s.exec(reason) ?? [];
    return { pointer: field ? `/${field.replaceAll('.', '/')}` : '', message: message ?? reason };
  });
  return new Problem({ code: 'TRAJECTORY_INVALID', kind: 'invalid', message: reasons.join('; '), faults });
}

/**
 * Another trajectory has this id.
 * @source product contract, Trajectories ("POST"); RFC 9110 section 15.5.10
 */
export function trajectoryExists(trajectoryId: string): Problem {
  const shown = trajectoryId.length > 200 ? `${trajectoryId.slice(0, 200)}...` : trajectoryId;
  return new Problem({
    code: 'TRAJECTORY_EXISTS',
    kind: 'conflict',
    message: `Expected an id that no trajectory has, got "${shown}"; PUT replaces it`,
  });
}

/**
 * The trajectory does not have this tag.
 * @source product contract, Trajectories ("DELETE {id}/tags/{tag}")
 */
export function tagNotFound(tag: string): Problem {
  const shown = tag.length > 200 ? `${tag.slice(0, 200)}...` : tag;
  const message = `Expected a tag of this trajectory, got "${shown}"`;
  return new Problem({ code: 'TAG_NOT_FOUND', kind: 'missing', message });
}
