const quote = 0x22;
const backslash = 0x5c;
/** Runs up to here are sooner looked through byte by byte. */
const shortBytes = 12;

/**
 * 1 for bytes at which a run of plain text in a string ends: its quote, an escape, and what may not stand there.
 * @source RFC 8259 section 7
 */
export const stops = new Uint8Array(256).map((_, byte) =>
  byte < 0x20 || byte === quote || byte === backslash ? 1 : 0,
);

const ones = 0x01010101;
const tops = 0x80808080 | 0;

/** Tells whether any of four bytes is a stop. A byte is zero exactly where taking one away borrows from above it. */
function holdsStop(four: number): boolean {
  const quotes = four ^ (quote * ones);
  const backslashes = four ^ (backslash * ones);
  const hits = ((quotes - ones) & ~quotes) | ((backslashes - ones) & ~backslashes) | ((four - 0x20 * ones) & ~four);
  return (hits & tops) !== 0;
}

/**
 * Finds where runs of plain text in JSON strings end, four bytes at a time.
 * @source S. E. Anderson, "Bit Twiddling Hacks" (determine if a word has a byte less than n)
 */
export class PlainRun {
  private text: Buffer = Buffer.alloc(0);
  private fours: Int32Array = new Int32Array(0);
  private offset = 0;

  begin(text: Buffer): void {
    if (this.fours.buffer !== text.buffer) this.fours = new Int32Array(text.buffer, 0, text.buffer.byteLength >> 2);
    this.text = text;
    this.offset = text.byteOffset;
  }

  /** @returns the place of the first stop from here on, or the text's length */
  end(from: number): number {
    const { text, fours, offset } = this;
    const { length } = text;
    let i = from;
    const near = Math.min(length, from + shortBytes);
    while (i < near && stops[text[i]!] === 0) i++;
    if (i < near) return i;
    while (i < length && ((i + offset) & 3) !== 0) {
      if (stops[text[i]!] !== 0) return i;
      i++;
    }
    // What lies beyond the text is no matter: the last loop ends at its end.
    let w = (i + offset) >> 2;
    while (w < fours.length && !holdsStop(fours[w]!)) w++;
    i = Math.min(length, (w << 2) - offset);
    while (i < length && stops[text[i]!] === 0) i++;
    return i;
  }
}
