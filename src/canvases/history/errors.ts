import { Problem } from '../../errors.js';

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
