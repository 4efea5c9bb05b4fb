import { Problem } from '../../errors.js';

/**
 * As many dashboards are open as there may be.
 * @source product contract, Promises 6 ("What is in memory is bounded")
 */
export function dashboardFull(maxViewers: number): Problem {
  return new Problem({
    code: 'DASHBOARD_VIEWERS_FULL',
    kind: 'too_many',
    message: `Expected at most ${maxViewers} open dashboards; close one, or try again later`,
    headers: { 'retry-after': '30' },
  });
}

/**
 * The page has no file of this name.
 * @source product contract, Monitoring (`GET /dashboard`)
 */
export function dashboardFileUnknown(): Problem {
  return new Problem({
    code: 'DASHBOARD_FILE_UNKNOWN',
    kind: 'missing',
    message: 'Expected a file that the page at /dashboard loads',
  });
}
