import { writesBackedUp } from '../errors.js';

/** What a waiting write costs beside its bytes. */
const overheadBytes = 512;

/**
 * Counts the writes that wait, and refuses more when their bytes would pass a limit. One write alone is always let
 * in, however large.
 * @source product contract, Promises 6
 */
export class Backlog {
  writes = 0;
  bytes = 0;

  /**
   * Books a write.
   * @param keptBytes what is in memory beside the writes that wait
   * @returns what ends the booking
   * @throws Problem WRITES_BACKED_UP
   */
  book(bytes: number, maxBytes: number, keptBytes = 0): () => void {
    const cost = bytes + overheadBytes;
    const isAlone = this.writes === 0 && keptBytes === 0;
    if (!isAlone && this.bytes + keptBytes + cost > maxBytes) throw writesBackedUp();
    this.writes += 1;
    this.bytes += cost;
    return () => {
      this.writes -= 1;
      this.bytes -= cost;
    };
  }
}
