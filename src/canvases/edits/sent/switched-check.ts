import { Problem } from '../../../errors.js';
import type { Optimization } from '../../../optimization.js';
import { parseCanvas } from '../../document/canvas.js';
import type { SentCanvases } from './sent-canvases.js';

/**
 * Checks a canvas that a client sent: where it differs from the one sent before while the flag is on, all of it when
 * it is off or when the optimised way breaks.
 * @throws Problem CANVAS_MALFORMED, CANVAS_INVALID
 * @source product contract, `fast_json`; story-17.4 task 8
 */
export function switchedCheck(
  flag: Optimization<unknown>,
  sent: Pick<SentCanvases, 'check'>,
): (path: string, bytes: Buffer) => void {
  return (path, bytes) => {
    if (flag.enabled) {
      try {
        sent.check(path, bytes);
        return;
      } catch (error) {
        if (error instanceof Problem) throw error;
        flag.failed(error);
      }
    }
    parseCanvas(bytes);
  };
}
