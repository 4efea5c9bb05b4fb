import { Problem } from '../../errors.js';

/** The body is packed in a way that is not understood. @source RFC 9110 section 8.4 */
export function analysisEncodingUnsupported(): Problem {
  return new Problem({
    code: 'ANALYSIS_ENCODING_UNSUPPORTED',
    kind: 'unsupported_type',
    message: 'Expected plain JSON lines, without a Content-Encoding',
  });
}

/**
 * The upload ended before it was whole; lines before the break may be stored.
 * @source RFC 9112 section 8
 */
export function analysisUploadBroken(cause: unknown): Problem {
  return new Problem({
    code: 'ANALYSIS_UPLOAD_BROKEN',
    kind: 'invalid',
    message: 'Expected the whole upload, got a part of it; sending it again does no harm',
    cause,
  });
}

/** Too many bulk imports of analysis rows at once. @source product contract, Promises 6 (queues bounded by length) */
export function analysisImportsBusy(maxAtOnce: number): Problem {
  return new Problem({
    code: 'ANALYSIS_IMPORTS_BUSY',
    kind: 'too_many',
    message: `Expected at most ${maxAtOnce} imports of analysis rows at once; try again when one has ended`,
    headers: { 'retry-after': '5' },
  });
}
