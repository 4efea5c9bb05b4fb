import { Histogram, type Registry } from 'prom-client';
import type { CanvasEvent } from '../../canvases/index.js';
import { HotCounter, type Tally } from '../hot-series.js';
import { storageSeconds } from './buckets.js';

type ReadEvent = Extract<CanvasEvent, { type: 'read' }>;

/**
 * Reads, what the cache spared them, and the compressed forms made for those that come again.
 * @source story-17.4 AC1; product contract, Monitoring ("Names")
 */
export function observeCanvasReads(
  registry: Registry,
  cacheRequests: HotCounter,
): (event: Extract<CanvasEvent, { type: 'read' | 'variant' }>) => void {
  const registers = [registry];
  const reads = new HotCounter(registry, 'canvas_reads_total', 'Canvases asked for', ['outcome', 'variant']);
  const readBytes = new HotCounter(registry, 'canvas_read_bytes_total', 'Bytes of the canvases asked for', []).bind();
  const variants = new HotCounter(registry, 'canvas_compressions_total', 'Canvases compressed for later reads', [
    'coding',
    'outcome',
  ]);
  const variantSeconds = new Histogram({
    name: 'canvas_compression_seconds',
    help: 'Time to compress a canvas, beside the main thread',
    labelNames: ['coding'],
    buckets: storageSeconds,
    registers,
  });
  const variantBytes = new HotCounter(registry, 'canvas_compression_bytes_total', 'Bytes that were compressed', [
    'coding',
    'form',
  ]);
  const bound = new Map<string, Tally>();
  const tallyOf = ({ outcome, variant }: ReadEvent) => {
    const key = outcome + variant;
    let tally = bound.get(key);
    if (!tally) {
      tally = reads.bind(outcome, variant);
      bound.set(key, tally);
    }
    return tally;
  };
  let hits: Tally | undefined;

  return (event) => {
    if (event.type === 'read') {
      tallyOf(event).value += 1;
      readBytes.value += event.bytes;
      if (event.cache === 'hit') {
        hits ??= cacheRequests.bind('canvas_files', 'hit');
        hits.value += 1;
      } else if (event.cache === 'miss') cacheRequests.bind('canvas_files', 'miss').value += 1;
      return;
    }
    variants.bind(event.coding, event.outcome).value += 1;
    variantSeconds.observe({ coding: event.coding }, event.durationSeconds);
    variantBytes.bind(event.coding, 'plain').value += event.plainBytes;
    variantBytes.bind(event.coding, 'compressed').value += event.codedBytes;
  };
}
