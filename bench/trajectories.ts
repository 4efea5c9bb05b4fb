import type { Bench } from './bench.js';
import { benchImport } from './trajectories/import-speed.js';
import { benchList } from './trajectories/list-speed.js';

/**
 * Trajectories: import, list.
 * @source product contract, Trajectories
 */
export const benchTrajectories: Bench = async function* (context) {
  yield await benchImport(context);
  yield await benchList(context);
};
