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
  /** Tells pieces from memory that a long text has for itself; what nobody refers to any more is not held here. */
  private readonly pieces = new WeakSet<ArrayBufferLike>();
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
      this.pieces.add(this.piece.buffer);
      this.used = 0;
    }
    const start = this.used;
    for (const part of parts) {
      this.used +=
        typeof part === 'string' ? this.piece.write(part, this.used, encoding) : part.copy(this.piece, this.used);
    }
    return this.piece.subarray(start, this.used);
  }

  /** Nobody reads these texts any more, nor what was written between them. @param texts in the order they were written */
  release(texts: Iterable<Buffer>): void {
    let last: ArrayBufferLike | undefined;
    for (const { buffer } of texts) {
      if (buffer === last || !this.pieces.has(buffer)) continue;
      if (last) this.spare.push(Buffer.from(last as ArrayBuffer));
      last = buffer;
    }
    // The last one may hold texts that were written after these: it goes with those, or with nobody who holds it.
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
