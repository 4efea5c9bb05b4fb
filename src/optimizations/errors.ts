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

const conflict = (message: string, faults?: InputFault[]) =>
  new Problem({ code: 'OPTIMIZATION_CONFIG_CONFLICT', kind: 'conflict', message, ...(faults && { faults }) });

/**
 * A switch cannot be set in a file that is not good as it stands; whoever edits it must end first.
 * @source product contract, Monitoring (`PUT /admin/flags/{name}`)
 */
export function configUnusable(cause?: Problem): Problem {
  const why = cause === undefined ? '' : `; ${cause.message}`;
  return conflict(
    `Expected a configuration file in which a switch can be set; nothing was changed${why}`,
    cause?.faults,
  );
}

/**
 * The file was changed by another program each time it was to be replaced.
 * @source product contract, Monitoring (`PUT /admin/flags/{name}`)
 */
export function configChanging(): Problem {
  return conflict('Expected a configuration file at rest, got one being written; nothing was changed, try again');
}

/**
 * The system does not let the service write its configuration file.
 * @source product contract, Monitoring (`PUT /admin/flags/{name}`)
 */
export function configUnwritable(cause?: unknown): Problem {
  return new Problem({
    code: 'OPTIMIZATION_CONFIG_READ_ONLY',
    kind: 'unavailable',
    message: 'Expected a configuration file that the service may write; nothing was changed: edit the file instead',
    cause,
  });
}

/**
 * There is no such switch.
 * @source product contract, Monitoring (`PUT /admin/flags/{name}`)
 */
export function flagUnknown(name: string, known: readonly string[]): Problem {
  return new Problem({
    code: 'OPTIMIZATION_UNKNOWN',
    kind: 'missing',
    message: `Expected the name of an optimisation (${known.join(', ')}), got "${name.slice(0, 60)}"`,
  });
}
