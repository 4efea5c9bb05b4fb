import type { Bench } from './bench.js';
import { benchImport } from './trajectories/import-speed.js';
import { benchList } from './trajectories/list-speed.js';
import { benchStart } from './trajectories/start-speed.js';

/**
 * Trajectories: import, list, start.
 * @source product contract, Trajectories
 */
export const benchTrajectories: Bench = async function* (context) {
  if (!context.isSample) yield await benchImport(context);
  yield await benchList(context);
  if (context.isSample) return;
  yield await benchStart(context);
};
