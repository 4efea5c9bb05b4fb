import type { Bench } from './bench.js';
import { benchScrapes } from './monitoring/scrape-speed.js';
import { benchWatchingCosts } from './monitoring/watching-costs.js';

/**
 * Monitoring: what being watched costs.
 * @source product contract, Monitoring
 */
export const benchMonitoring: Bench = async function* (context) {
  yield await benchScrapes(context);
  yield await benchWatchingCosts(context);
};
