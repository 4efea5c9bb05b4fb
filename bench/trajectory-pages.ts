import type { Bench } from './bench.js';
import { benchPageLoad } from './trajectories/pages/page-load.js';
import { benchPages } from './trajectories/pages/page-speed.js';

const sizes = [10_000, 100_000];

/**
 * Pages of trajectories at several sizes, beside the original way and SQLite; and many users at once.
 * @source product contract, Trajectories
 */
export const benchTrajectoryPages: Bench = async function* (context) {
  const asked = context.rows && context.rows.length > 0 ? context.rows : sizes;
  for (const records of context.quick ? [500] : asked) {
    const { section, folder, ids } = await benchPages(context, records);
    yield section;
    yield await benchPageLoad(context, folder, ids);
  }
};
