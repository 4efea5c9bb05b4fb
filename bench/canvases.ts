import type { Bench } from './bench.js';
import { benchAutosave } from './canvases/autosave.js';
import { benchCanvasReads } from './canvases/canvas-reads.js';
import { benchConcurrentWrites } from './canvases/concurrent-writes.js';
import { benchRepeatedReads } from './canvases/repeated-reads.js';
import { createWriteLedger } from './canvases/write-ledger.js';
import { startPair } from './support/service.js';

/**
 * Canvases: reading, cache, autosave, concurrent writes.
 * @source product contract, Canvases
 */
export const benchCanvases: Bench = async function* (context) {
  const services = await startPair(context.folder);
  const ledger = createWriteLedger();
  yield await benchCanvasReads(context, services);
  yield await benchRepeatedReads(context, services.optimized);
  yield await benchAutosave(context, services, ledger);
  yield await benchConcurrentWrites(context, services, ledger);
  await ledger.checkAfterKill();
};
