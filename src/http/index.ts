export { type ComponentState, healthOperations, healthRoutes, type Readiness } from './health.js';
export { installJsonBody } from './json-body.js';
export { type ProblemDocument, problemMediaType, problemResponses, problemSchema } from './problem.js';
export { closeServer } from './requests/connection-closing.js';
export type { DirectAnswer, DirectRequest, DirectRoute } from './requests/direct-answers.js';
export { isRehearsal, rehearse } from './requests/rehearsal.js';
export type { RequestEvent } from './requests/request-log.js';
export { followBody, readWholeBody } from './requests/whole-body.js';
export { createServer, type ServerOptions } from './server.js';
export {
  closingSignal,
  type EventStream,
  type EventStreamEnd,
  type EventStreamOptions,
  lastEventIdOf,
  openEventStream,
  type ServerSentEvent,
} from './sse.js';
