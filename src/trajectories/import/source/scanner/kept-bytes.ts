const beginningBytes = 1024;

/**
 * The bytes of one value that arrives in pieces, up to a limit; beyond it only the fact is kept.
 * @source product contract, Promises 6
 */
export class KeptBytes {
  private parts: Buffer[] = [];
  private total = 0;
  private first: Buffer | undefined;
  private aside: Buffer | undefined;

  constructor(private readonly maxBytes: number) {}

  /** More was given than may be kept. */
  get isOver(): boolean {
    return this.total > this.maxBytes;
  }

  /** How what was added begins, beyond the limit too. */
  get beginning(): Buffer | undefined {
    return this.first;
  }

  add(bytes: Buffer): void {
    this.aside = undefined;
    this.first ??= bytes.subarray(0, beginningBytes);
    this.total += bytes.length;
    if (this.isOver) this.parts = [];
    else this.parts.push(bytes);
  }

  /** What was added, in one piece; without a copy when it came in one. */
  bytes(): Buffer {
    return this.parts.length === 1 ? this.parts[0]! : Buffer.concat(this.parts);
  }

  /** Clears, but what was added is kept until something else is. @returns undefined when that was too much */
  setAside(): Buffer | undefined {
    const aside = this.isOver ? undefined : this.bytes();
    this.clear();
    this.aside = aside;
    return aside;
  }

  /** Adds again what was set aside, and what follows it. @returns false when there is nothing */
  takeUp(next: Buffer): boolean {
    if (!this.aside) return false;
    this.add(this.aside);
    this.add(next);
    return true;
  }

  clear(): void {
    this.parts = [];
    this.total = 0;
    this.first = undefined;
  }
}
