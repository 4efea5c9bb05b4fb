/** The problem document, as far as it was one. @source RFC 9457 section 3.1 */
export interface ReceivedProblem {
  code?: string;
  detail?: string;
  title?: string;
  errors?: { pointer?: string; parameter?: string; message: string }[];
  [member: string]: unknown;
}

/**
 * The service refused, or could not be reached. `code` and `status` are those of the problem document; without one
 * (another server answered, or none) `code` is undefined, and without any answer `status` is too.
 * @source RFC 9457; product contract, HTTP
 */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly code: string | undefined;
  readonly status: number | undefined;
  /** What was expected and what was got. */
  readonly detail: string;
  readonly problem: ReceivedProblem;

  constructor(operation: string, status: number | undefined, problem: ReceivedProblem, cause?: unknown) {
    const detail = problem.detail ?? (status === undefined ? 'the service cannot be reached' : `it answered ${status}`);
    super(`${operation}: ${detail}${problem.code === undefined ? '' : ` (${problem.code})`}`, { cause });
    this.code = problem.code;
    this.status = status;
    this.detail = detail;
    this.problem = problem;
  }
}

const maxProblemBytes = 64 * 1024;

/**
 * Reads what a refusal says; of an answer that is no problem document its status has to do.
 * @source RFC 9457 section 3
 */
export async function refusalOf(operation: string, response: Response): Promise<ClientError> {
  let problem: ReceivedProblem = {};
  try {
    const text = await response.text();
    const read: unknown = text.length <= maxProblemBytes ? JSON.parse(text) : undefined;
    if (typeof read === 'object' && read !== null) problem = read as ReceivedProblem;
  } catch {
    // No problem document: a proxy in between, or the connection broke.
  }
  return new ClientError(operation, response.status, problem);
}
