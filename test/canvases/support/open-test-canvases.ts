import { onTestFinished } from 'vitest';
import { type CanvasEvent, type Canvases, type CanvasesOptions, openCanvases } from '../../../src/canvases/index.js';
import { createLogger } from '../../../src/logger.js';
import { temporaryFolder } from '../../support/folder.js';
import { fixedOptimization } from '../../support/optimization.js';

export const variants = [
  { variant: 'optimised', enabled: true },
  { variant: 'baseline', enabled: false },
] as const;

/** Canvases in an empty vault of their own, closed when the test ends. */
export async function openTestCanvases(enabled: boolean, options: Partial<CanvasesOptions> = {}) {
  const vaultDir = options.vaultDir ?? (await temporaryFolder());
  const dataDir = options.dataDir ?? (await temporaryFolder());
  const events: CanvasEvent[] = [];
  const flags = {
    cache: fixedOptimization(enabled, { max_files: 200, max_bytes: 64 * 1024 * 1024, ttl_seconds: 3600 }),
    fastJson: fixedOptimization(enabled, {}),
    batchWriter: fixedOptimization(enabled, {
      window_ms: 100,
      max_delay_ms: 500,
      max_pending_bytes: 64 * 1024 * 1024,
    }),
  };
  const canvases: Canvases = await openCanvases({
    vaultDir,
    dataDir,
    ...flags,
    logger: createLogger('silent'),
    onEvent: (event) => events.push(event),
    // On a clock that stands still nothing ever settles.
    ...(options.clock && { settlingMs: 0 }),
    ...options,
  });
  onTestFinished(() => canvases.close());
  return { canvases, vaultDir, dataDir, events, flags };
}
