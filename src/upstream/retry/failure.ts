/**
 * What a failure means for the next try: it may pass by itself, it stays for this request, or it stays for every
 * request until an operator acts.
 * @source story-17.4 ADR-0009 (retryable, non-retryable, fatal)
 */
export type FailureClass = 'retryable' | 'non_retryable' | 'fatal';

/**
 * Why a call to another server failed. A closed list, so that it may be a label.
 * @source story-17.4 ADR-0009
 */
export type FailureReason =
  | 'unreachable'
  | 'timeout'
  | 'busy'
  | 'failed'
  | 'refused'
  | 'credentials'
  | 'quota'
  | 'invalid_answer'
  | 'cut_answer'
  | 'too_large'
  | 'redirect'
  | 'circuit_open'
  | 'closed';

const classOf: Record<FailureReason, FailureClass> = {
  unreachable: 'retryable',
  timeout: 'retryable',
  busy: 'retryable',
  failed: 'retryable',
  cut_answer: 'retryable',
  refused: 'non_retryable',
  invalid_answer: 'non_retryable',
  too_large: 'non_retryable',
  redirect: 'non_retryable',
  circuit_open: 'non_retryable',
  closed: 'non_retryable',
  credentials: 'fatal',
  quota: 'fatal',
};

/**
 * One failed try. `message` completes the sentence "<name> ..."; it holds no address and no key.
 * @source story-17.4 ADR-0009
 */
export class UpstreamFailure extends Error {
  readonly reason: FailureReason;
  readonly status: number | undefined;
  /** How long the server asked to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(
    reason: FailureReason,
    message: string,
    details: { status?: number; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause });
    this.name = 'UpstreamFailure';
    this.reason = reason;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
  }

  get class(): FailureClass {
    return classOf[this.reason];
  }
}

/**
 * What the status of an answer means. A spent quota comes as 429 too, and no waiting helps against it.
 * @param quotaSpent whether the body says `insufficient_quota`
 * @source RFC 9110 section 15; RFC 6585 section 4; OpenAI documentation, "Error codes"
 */
export function reasonOfStatus(status: number, quotaSpent: boolean): FailureReason {
  if (status === 402 || quotaSpent) return 'quota';
  if (status === 401 || status === 403) return 'credentials';
  if (status === 429) return 'busy';
  if (status === 408 || status === 409 || status === 425 || status >= 500) return 'failed';
  return status >= 300 && status < 400 ? 'redirect' : 'refused';
}

const codesOf = (error: unknown): string[] => {
  const codes: string[] = [];
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const { code } = at as NodeJS.ErrnoException;
    if (typeof code === 'string') codes.push(code);
    if (at instanceof AggregateError) codes.push(...at.errors.flatMap(codesOf));
  }
  return codes;
};

/**
 * What an error of a connection means: the connection broke, the bytes were no HTTP, or the certificate is not trusted.
 * @param answering whether the headers of the answer had arrived
 * @source Node.js documentation, "Common system errors", http "Event: 'error'"
 */
export function failureOfConnection(error: unknown, answering: boolean): UpstreamFailure {
  const codes = codesOf(error);
  const code = codes[0] ?? 'no code';
  const has = (pattern: RegExp) => codes.some((each) => pattern.test(each));
  if (has(/^HPE_|HTTP_PARSER/))
    return new UpstreamFailure('invalid_answer', 'did not answer in HTTP', { cause: error });
  if (has(/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL/)) {
    return new UpstreamFailure('refused', 'has a certificate that is not trusted', { cause: error });
  }
  if (has(/TIMEOUT|ETIMEDOUT/))
    return new UpstreamFailure('timeout', `did not answer in time (${code})`, { cause: error });
  return answering
    ? new UpstreamFailure('cut_answer', 'broke off its answer', { cause: error })
    : new UpstreamFailure('unreachable', `could not be reached (${code})`, { cause: error });
}
