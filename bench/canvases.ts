import path from 'node:path';
import type { Bench } from './bench.js';
import { benchAutosave } from './canvases/autosave.js';
import { benchCanvasReads } from './canvases/canvas-reads.js';
import { benchConcurrentWrites } from './canvases/concurrent-writes.js';
import { benchRepeatedReads } from './canvases/repeated-reads.js';
import { benchServiceStart } from './canvases/service-start.js';
import { createWriteLedger } from './canvases/write-ledger.js';
import { benchEditCosts } from './canvases/writes/edit-costs.js';
import { benchIdleAcks } from './canvases/writes/idle-acks.js';
import { benchPlainWrites } from './canvases/writes/plain-writes.js';
import { benchWriterSpeed } from './canvases/writes/writer-speed.js';
import { startPair, startService } from './support/service.js';

/**
 * Canvases: reading, cache, autosave, concurrent writes, one client, start, the writer, a plain handler, edits.
 * @source product contract, Canvases
 */
export const benchCanvases: Bench = async function* (context) {
  const services = await startPair(context.folder);
  const ledger = createWriteLedger();
  yield await benchCanvasReads(context, services);
  yield await benchRepeatedReads(context, services.optimized);
  yield await benchAutosave(context, services, ledger);
  yield await benchConcurrentWrites(context, services, ledger);
  yield await benchIdleAcks(context, services, ledger);
  await ledger.checkAfterKill();
  yield await benchServiceStart(context);
  yield await benchWriterSpeed(context);
  const service = await startService(path.join(context.folder, 'single'), 'optimized');
  yield await benchPlainWrites(context, service);
  yield await benchEditCosts(context, service);
};
