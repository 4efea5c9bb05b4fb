/**
 * What can go wrong, as HTTP knows it. The error handler alone turns a kind into a status.
 * @source RFC 9110 section 15; product contract "HTTP"
 */
export type ErrorKind =
  | 'invalid'
  | 'unauthorized'
  | 'forbidden'
  | 'missing'
  | 'method_not_allowed'
  | 'not_acceptable'
  | 'request_timeout'
  | 'conflict'
  | 'precondition_failed'
  | 'too_large'
  | 'unsupported_type'
  | 'misdirected'
  | 'unprocessable'
  | 'too_many'
  | 'internal'
  | 'upstream_failed'
  | 'unavailable'
  | 'upstream_timeout'
  | 'storage_full';

/**
 * One fault in the input: a JSON pointer into the body, or the name of a parameter, and what was expected.
 * @source RFC 9457 section 3 (extension member `errors`)
 */
export interface InputFault {
  pointer?: string;
  parameter?: string;
  message: string;
}

/**
 * Everything a problem document is made from. `message` reaches the client, so it says what was expected and
 * what was got, and never a path of the machine, a stack or the name of a library.
 * @source RFC 9457
 */
export interface ProblemOptions {
  /** Stable, UPPER_SNAKE; listed in docs/errors.md. */
  code: string;
  kind: ErrorKind;
  message: string;
  faults?: InputFault[];
  /** Headers the answer must carry, such as `Retry-After` (seconds). */
  headers?: Record<string, string>;
  /** Further members of the problem document, such as the current `etag`. */
  extra?: Record<string, unknown>;
  /** What caused it, for the log only. */
  cause?: unknown;
}

/**
 * The one base class of errors that are meant for the client.
 * @source story-17.4 ADR-0009; RFC 9457
 */
export class Problem extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly faults: InputFault[] | undefined;
  readonly headers: Record<string, string> | undefined;
  readonly extra: Record<string, unknown> | undefined;

  constructor(options: ProblemOptions) {
    super(options.message, { cause: options.cause });
    this.name = 'Problem';
    this.code = options.code;
    this.kind = options.kind;
    this.faults = options.faults;
    this.headers = options.headers;
    this.extra = options.extra;
  }
}
