import type { Logger } from '../../logger.js';
import type { History } from './history.js';

const sweepEachMs = 24 * 60 * 60 * 1000;

/**
 * Drops old versions once a day. A sweep that fails is said in the log; the next one tries again.
 * @returns stops it
 * @source product contract, Canvases (`versions`: "bounded count")
 */
export function sweepHistoryDaily(history: Pick<History, 'sweep'>, logger: Logger): () => void {
  const sweep = () => {
    history.sweep().catch((error: unknown) => logger.warn({ err: error }, 'old versions could not be dropped'));
  };
  const timer = setInterval(sweep, sweepEachMs);
  timer.unref();
  return () => clearInterval(timer);
}
