/**
 * What the journal reports about its work, for metrics.
 *
 * - `journal_commit`: a group of `records` was written with one call and, unless it held only checkpoints, synced.
 *   `bytes` is all that was written, zeros ahead included; `durationSeconds` runs from the first byte to the sync.
 * - `journal_commit_failed`: its callers were told so. `reason`: `full` is no room, `unwritable` anything else.
 * - `journal_rotated`: a new segment begins with `carried` canvases in full (`bytes`).
 * - `journal_recovered`: at start; `canvases` had acknowledged changes that may not have reached their file.
 * - `journal_damaged`: at start; what is told in `JournalDamage`.
 * @source product contract, Monitoring; story-17.4 AC2 (write IO)
 */
export type JournalEvent =
  | { type: 'journal_commit'; records: number; bytes: number; synced: boolean; durationSeconds: number }
  | { type: 'journal_commit_failed'; records: number; reason: 'full' | 'unwritable' }
  | { type: 'journal_rotated'; carried: number; bytes: number }
  | { type: 'journal_recovered'; segments: number; canvases: number; bytes: number; durationSeconds: number }
  | { type: 'journal_damaged'; lostBytes: number };
