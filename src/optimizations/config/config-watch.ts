import type { Clock } from '../clock.js';
import { fileSignature } from './config-file.js';

const lookEveryMs = 250;
const longestWaitMs = 1000;

/**
 * Tells when a file has changed and come to rest.
 *
 *     look        |     |     |     |        every 250 ms
 *     edit          x x                      in place, perhaps half-way
 *     onChange                |              the first look that finds it as the look before did
 *
 * A file that never rests (rewritten without end) is reported after 1 s all the same, so that a change is live within
 * 2 s. Looks instead of listening: notifications are lost in bursts, and do not see a link swapped further up.
 * @source product contract, Optimisations ("A change is live within 2 s")
 */
export class ConfigWatch {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #onChange: () => boolean;
  readonly #stop: () => void;
  #reported: string;
  #seen: string;
  #changedAt: number | undefined;

  /**
   * @param onChange answers false when the file could not be read for being written; it is then called again
   */
  constructor(path: string, clock: Clock, onChange: () => boolean) {
    this.#path = path;
    this.#clock = clock;
    this.#onChange = onChange;
    this.#reported = this.#seen = fileSignature(path);
    this.#stop = clock.every(lookEveryMs, () => this.#look());
  }

  /** Takes the file as it is now for known: whoever calls reads it right after. */
  markRead(): void {
    this.#reported = this.#seen = fileSignature(this.#path);
    this.#changedAt = undefined;
  }

  close(): void {
    this.#stop();
  }

  #look(): void {
    const signature = fileSignature(this.#path);
    const atRest = signature === this.#seen;
    this.#seen = signature;
    if (signature === this.#reported) {
      this.#changedAt = undefined;
      return;
    }
    this.#changedAt ??= this.#clock.now();
    if (!atRest && this.#clock.now() - this.#changedAt < longestWaitMs) return;
    if (!this.#onChange()) return;
    this.#reported = signature;
    this.#changedAt = undefined;
  }
}
