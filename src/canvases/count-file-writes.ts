import type { Optimization } from '../optimization.js';
import type { CanvasEvent } from './events.js';

/**
 * Passes events on and counts what gathering writes saves: one file write in place of one for each request.
 * @source product contract, Optimisations (`batch_writer`); story-17.4 AC2 (write IO)
 */
export function countFileWrites(
  batchWriter: Optimization<unknown>,
  onEvent: (event: CanvasEvent) => void,
): (event: CanvasEvent) => void {
  return (event) => {
    onEvent(event);
    if (event.type !== 'file_write' || event.variant !== 'optimized' || event.outcome !== 'stored') return;
    if (event.requests > 0) batchWriter.counted?.({ unit: 'file writes', optimised: 1, original: event.requests });
  };
}
