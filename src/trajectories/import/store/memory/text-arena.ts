import type { TextEncoding } from '../../source/text-reader.js';

const arenaBytes = 1024 * 1024;

/**
 * Turns texts into UTF-8 bytes that lie one after the other in large pieces of memory. A text that is written down at
 * once dies young: held until its batch is committed, the collector would copy it twice. The pieces are used again: new
 * ones for each batch would have the collector look through all it holds each time.
 * @source V8 documentation, "Trash talk: the Orinoco garbage collector" (generations)
 */
export class TextArena {
  private piece: Buffer = Buffer.alloc(0);
  private used = 0;
  /** Those that texts lie in, in the order they were written. */
  private readonly filled: Buffer[] = [];
  private readonly spare: Buffer[] = [];

  /**
   * @param parts one after the other: text in the given encoding, or UTF-8 bytes
   * @returns the bytes; they stay as they are until they are released
   */
  write(parts: readonly (string | Buffer)[], encoding: TextEncoding): Buffer {
    let most = 0;
    for (const part of parts) {
      most += typeof part === 'string' && encoding === 'utf8' ? part.length * 3 : part.length;
    }
    if (most > arenaBytes) return joinTexts(parts, encoding);
    if (most > this.piece.length - this.used) {
      this.piece = this.spare.pop() ?? Buffer.allocUnsafeSlow(arenaBytes);
      this.filled.push(this.piece);
      this.used = 0;
    }
    const start = this.used;
    for (const part of parts) {
      this.used +=
        typeof part === 'string' ? this.piece.write(part, this.used, encoding) : part.copy(this.piece, this.used);
    }
    return this.piece.subarray(start, this.used);
  }

  /** Nobody reads this text any more, nor those that were written before it: they may be written over. */
  release(text: Buffer): void {
    // Others that were written after it may lie in the same piece; a long text lies in none.
    const place = this.filled.findIndex((piece) => piece.buffer === text.buffer);
    if (place > 0) this.spare.push(...this.filled.splice(0, place));
  }
}

/**
 * The same in memory of its own.
 * @param parts text in the given encoding, or UTF-8 bytes
 * @source Node.js documentation, Buffer ("Buffers and character encodings")
 */
export function joinTexts(parts: readonly (string | Buffer)[], encoding: TextEncoding): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, encoding) : part)));
}
