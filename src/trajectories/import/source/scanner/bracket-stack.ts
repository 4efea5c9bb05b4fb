/**
 * The brackets that are open, down to a limit; deeper ones are counted, not remembered.
 * @source product contract, Canvases ("nesting limit 128")
 */
export class BracketStack {
  private readonly open: number[] = [];
  private deeper = 0;

  /** How many are remembered. */
  get depth(): number {
    return this.open.length;
  }

  /** Brackets beyond the limit are open: what they hold is not looked at. */
  get isBeyond(): boolean {
    return this.deeper > 0;
  }

  /** The innermost bracket remembered. */
  get innermost(): number | undefined {
    return this.open[this.open.length - 1];
  }

  /** @returns false when the limit is passed */
  push(bracket: number, maxDepth: number): boolean {
    if (this.open.length < maxDepth) {
      this.open.push(bracket);
      return true;
    }
    this.deeper += 1;
    return false;
  }

  /**
   * Closes the innermost bracket.
   * @returns false when it is of the other kind
   */
  pop(opening: number): boolean {
    if (this.deeper > 0) this.deeper -= 1;
    else if (this.innermost !== opening) return false;
    else this.open.pop();
    return true;
  }

  /** Forgets all brackets inside the outermost `depth`. */
  cutTo(depth: number): void {
    this.open.length = depth;
    this.deeper = 0;
  }
}
