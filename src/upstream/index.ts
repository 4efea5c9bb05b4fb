export { type Clock as UpstreamClock, systemClock } from './clock.js';
export type { CircuitState, UpstreamEvent } from './events.js';
export type { FailureClass, FailureReason } from './retry/failure.js';
export type { Permit } from './retry/permit.js';
export { type PolicyName, type RetryPolicy, retryPolicies } from './retry/retry-policy.js';
export {
  type CallOptions,
  openUpstream,
  type StreamOptions,
  type Upstream,
  type UpstreamOptions,
} from './upstream.js';
