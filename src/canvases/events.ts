import type { HistoryEvent } from './history/history.js';
import type { JournalEvent } from './journal/journal-event.js';

/**
 * What the canvases report about their work, for metrics.
 *
 * - `read`: one canvas was asked for. `cache` says where it came from (`off`: the cache is switched off), `outcome`
 *   whether its bytes were wanted; `bytes` is the size of the canvas, 0 when there is none.
 * - `write`: one request to store, edit, move or delete was answered. `unchanged`: the canvas already held these bytes.
 *   `refused`: a precondition, a name clash, a full queue, another program at work. `failed`: the file could not be written.
 * - `file_write`: one file was written, deleted, or (`sync`) only made durable; `requests` counts the requests that
 *   it carried.
 * - `temporary_files_removed`: what a dead process left behind, found at start.
 * - `vault_swept`: the watch looked at the whole vault; `busySeconds` is what the main thread spent on it.
 * - `variant`: a canvas was compressed for those who accept it; `too_large`: that saved too little, and it is sent as it is.
 * - those of the journal and of the history, as they are.
 * @source product contract, Monitoring; story-17.4 AC1 (hit ratio), AC2 (write IO)
 */
export type CanvasEvent =
  | {
      type: 'read';
      cache: 'hit' | 'miss' | 'off';
      outcome: 'served' | 'not_modified' | 'failed';
      variant: 'optimized' | 'baseline';
      bytes: number;
    }
  | {
      type: 'write';
      operation: 'put' | 'edit' | 'move' | 'delete';
      outcome: 'stored' | 'unchanged' | 'refused' | 'failed';
      variant: 'optimized' | 'baseline';
      bytes: number;
      durationSeconds: number;
    }
  | {
      type: 'file_write';
      operation: 'replace' | 'remove' | 'sync';
      outcome: 'stored' | 'failed';
      variant: 'optimized' | 'baseline';
      requests: number;
      bytes: number;
      durationSeconds: number;
    }
  | { type: 'temporary_files_removed'; count: number }
  | { type: 'vault_swept'; canvases: number; busySeconds: number }
  | {
      type: 'variant';
      coding: 'br' | 'gzip';
      outcome: 'made' | 'too_large' | 'failed';
      plainBytes: number;
      codedBytes: number;
      durationSeconds: number;
    }
  | JournalEvent
  | HistoryEvent;
