/**
 * Chooses which answers of one flag are compared: a share of them by chance, and the next one whenever none was compared
 * for a while, so that a wrong answer is found soon where little is asked, too.
 */

/**
 * `share`: of all answers, 0 to 1; 0 chooses none, the due ones neither.
 * @source product contract, Optimisations (`verification.sample_rate`)
 */
export class Sampling {
  readonly #random: () => number;
  #share = 0;
  #passing = Number.POSITIVE_INFINITY;
  #isDue = false;

  /** @param random from 0 to below 1 */
  constructor(random: () => number) {
    this.#random = random;
  }

  set share(share: number) {
    if (share === this.#share) return;
    this.#share = share;
    this.#draw();
  }

  get isDue(): boolean {
    return this.#isDue;
  }

  /** Whether to compare the answer at hand. The hot path: one subtraction and two comparisons. */
  next(): boolean {
    this.#passing -= 1;
    if (this.#passing >= 0) return this.#isDue;
    this.#draw();
    return true;
  }

  /** The next answer is wanted, whatever chance says. */
  due(): void {
    this.#isDue = this.#share > 0;
  }

  /** One was compared. */
  done(): void {
    this.#isDue = false;
  }

  /** How many answers pass before the next: geometric, as if each were drawn for itself. */
  #draw(): void {
    if (this.#share <= 0) this.#passing = Number.POSITIVE_INFINITY;
    else if (this.#share >= 1) this.#passing = 0;
    else this.#passing = Math.floor(Math.log(1 - this.#random()) / Math.log(1 - this.#share));
  }
}
