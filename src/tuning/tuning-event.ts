/**
 * What tuning reports, for metrics: a limit of a cache was changed.
 * @source product contract, Monitoring ("Names")
 */
export type TuningEvent = { type: 'limit_changed'; cache: string; limit: string; direction: 'up' | 'down' };
