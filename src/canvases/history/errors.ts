import { Problem } from '../../errors.js';

/**
 * Slow clients have not taken the versions yet that they asked for.
 * @source product contract, Promises 6
 */
export const versionsBackedUp = (): Problem =>
  new Problem({
    code: 'VERSIONS_BACKED_UP',
    kind: 'unavailable',
    message: 'More bytes of versions are on their way to clients than this service keeps in memory',
    headers: { 'retry-after': '1' },
  });

/**
 * No such version: never kept, or dropped since because of its age or of newer ones.
 * @source product contract, Canvases (`GET .../versions/{id}`)
 */
export const versionUnknown = (): Problem =>
  new Problem({
    code: 'CANVAS_VERSION_UNKNOWN',
    kind: 'missing',
    message: 'Expected the id of a version that the list of versions shows; old versions are dropped in time',
  });
