import type { Bench } from './bench.js';
import { benchOverhead } from './scheduler/overhead-section.js';
import { benchScenarios } from './scheduler/scenarios-section.js';

/**
 * The scheduler: what it costs, and what it is worth where something is the limit.
 * @source story-17.4 task 3
 */
export const benchScheduler: Bench = async function* (context) {
  if (!context.isCheck) yield await benchOverhead(context);
  yield await benchScenarios(context);
};
