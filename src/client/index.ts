export { type Client, type ClientEvent, type ClientOptions, createClient } from './client.js';
export { ClientError, type ReceivedProblem } from './client-error.js';
export type { AnswerOf, Contracts, OperationName, RawBody, RequestOf } from './contracts.js';
export { readEvents } from './event-lines.js';
