import { type InputFault, Problem } from '../../errors.js';

const maxFaults = 20;

const describe = (fault: InputFault) => `${fault.pointer?.slice(1).replaceAll('/', '.') || 'file'}: ${fault.message}`;

/**
 * The alert rules are not usable; each fault names its key, what was expected and what was got.
 * @source product contract, Optimisations ("The file is validated; an invalid edit keeps the last good one")
 */
export function alertConfigInvalid(faults: InputFault[]): Problem {
  const named = faults.slice(0, maxFaults);
  return new Problem({
    code: 'ALERT_CONFIG_INVALID',
    kind: 'unprocessable',
    message: `Expected valid alert rules; ${named.map(describe).join('; ')}`,
    faults: named,
  });
}
