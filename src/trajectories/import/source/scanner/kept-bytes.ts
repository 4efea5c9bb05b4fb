/**
 * The bytes of one value that arrives in pieces, up to a limit; beyond it only the fact is kept.
 * @source product contract, Promises 6
 */
export class KeptBytes {
  private parts: Buffer[] = [];
  private total = 0;

  constructor(private readonly maxBytes: number) {}

  /** More was given than may be kept. */
  get isOver(): boolean {
    return this.total > this.maxBytes;
  }

  add(bytes: Buffer): void {
    this.total += bytes.length;
    if (this.isOver) this.parts = [];
    else this.parts.push(bytes);
  }

  /** What was added, in one piece; without a copy when it came in one. */
  bytes(): Buffer {
    return this.parts.length === 1 ? this.parts[0]! : Buffer.concat(this.parts);
  }

  clear(): void {
    this.parts = [];
    this.total = 0;
  }
}
