import type { AnswerCheck, Optimization } from '../../optimization.js';
import type { JsonBytes } from './json-bytes.baseline.js';

const maxComparedBytes = 1024 * 1024;

/** What the answers are made from never changes. */
const versionBefore = 'these bytes';

const texts: AnswerCheck<Buffer> = {
  version: () => versionBefore,
  difference: (optimised, original) =>
    optimised.equals(original) ? undefined : `${optimised.length} bytes against ${original.length} others`,
  bytesOf: (bytes) => bytes.length,
};
const verdicts: AnswerCheck<boolean> = {
  version: () => versionBefore,
  difference: (optimised, original) => (optimised === original ? undefined : `JSON: ${optimised} against ${original}`),
  isTimed: false,
};

/**
 * Bytes in, bytes out while the flag is on; parsed and written out again on each request when it is off, or when the
 * optimised way breaks.
 * @source product contract, `fast_json`; story-17.4 task 8
 */
export function switchedJson(flag: Optimization<unknown>, optimised: JsonBytes, original: JsonBytes): JsonBytes {
  const choose = <T>(work: (json: JsonBytes) => T): T => {
    if (!flag.enabled) return work(original);
    try {
      return work(optimised);
    } catch (error) {
      flag.failed(error);
      return work(original);
    }
  };

  /** The original way keeps the process busy while it works, so large canvases are left alone. */
  const compared = <T>(work: (json: JsonBytes) => T, check: AnswerCheck<T>, bytes: Buffer): T => {
    const trial = flag.enabled && bytes.length <= maxComparedBytes ? flag.sample?.() : undefined;
    if (!trial) return choose(work);
    const startedAt = performance.now();
    const answer = choose(work);
    const seconds = (performance.now() - startedAt) / 1000;
    trial.compare({ check, versionBefore, optimised: { answer, seconds }, original: () => work(original) });
    return answer;
  };

  return {
    isJson: (bytes, etag) => compared((json) => json.isJson(bytes, etag), verdicts, bytes),
    accept: (bytes, etag) => compared((json) => json.accept(bytes, etag), texts, bytes),
    acceptEdit: (bytes, etag) => choose((json) => json.acceptEdit(bytes, etag)),
    encode: (bytes) => compared((json) => json.encode(bytes), texts, bytes),
  };
}
