/**
 * `auto_tune` of `config/optimization.yaml`.
 * - `max_factor`: a limit stays between its configured value divided and multiplied by this
 * - `max_total_bytes`: of all caches together
 * - `memory_high_ratio`: above it nothing grows, and what has grown goes back
 * - `min_requests`: so often a cache must have been asked before it is judged
 * - `min_gain_ratio`: so much better the hit ratio must be for a change to stay
 * @source issue "`auto_tune`" ("inside given bounds")
 */
export interface AutoTuneSettings {
  enabled: boolean;
  interval_seconds: number;
  max_factor: number;
  max_total_bytes: number;
  memory_high_ratio: number;
  min_requests: number;
  min_gain_ratio: number;
}
