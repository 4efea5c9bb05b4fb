import { type InputFault, Problem } from '../errors.js';

const maxFaults = 20;

const describe = (fault: InputFault) => `${fault.pointer?.slice(1).replaceAll('/', '.') || 'file'}: ${fault.message}`;

/**
 * The configuration of the optimisations is not usable; each fault names its key, what was expected and what was got.
 * @source product contract, Settled details ("POST /admin/reload on a bad file is 422")
 */
export function configInvalid(faults: InputFault[]): Problem {
  const shown = faults.slice(0, maxFaults);
  return new Problem({
    code: 'OPTIMIZATION_CONFIG_INVALID',
    kind: 'unprocessable',
    message: `Expected a valid optimisation configuration; ${shown.map(describe).join('; ')}`,
    faults: shown,
  });
}
