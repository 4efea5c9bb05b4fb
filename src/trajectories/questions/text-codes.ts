import { randomInt } from 'node:crypto';

const firstSlots = 1024;
const firstBytes = 16 * 1024;

/**
 * Gives equal texts equal small numbers (0, 1, 2, ...), from their UTF-8 bytes alone: over a column of a million texts
 * that is many times cheaper than making strings of them. It holds each distinct text once.
 * @source Apache Arrow format, "Dictionary-encoded Layout" (codes in place of texts)
 */
export class TextCodes {
  /** Code + 1 of the text in each slot, 0 where there is none; at most half of the slots are taken. */
  private slots = new Int32Array(firstSlots);
  private hashes = new Int32Array(firstSlots / 2);
  private offsets: Float64Array = new Float64Array(firstSlots / 2 + 1);
  private bytes = Buffer.allocUnsafeSlow(firstBytes);
  private count = 0;
  /** The text added last often comes again: attempts at one question are stored together. */
  private last = -1;
  /** Not known outside, so that nobody can choose ids that all meet in one slot. */
  private readonly seed = randomInt(2 ** 32) | 0;

  /** The codes of texts that are all different, as {@link texts} gives them; the arrays are taken over. */
  static of({ ends, bytes }: TextCodes['texts']): TextCodes {
    const codes = new TextCodes();
    const count = ends.length - 1;
    codes.offsets = ends;
    codes.bytes = Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
    codes.hashes = new Int32Array(count);
    for (let code = 0; code < count; code++) codes.hashes[code] = codes.hash(bytes, ends[code]!, ends[code + 1]!);
    codes.count = count;
    let size = firstSlots;
    while (size <= 2 * count) size *= 2;
    codes.rebuild(size);
    return codes;
  }

  /** Number of distinct texts. */
  get size(): number {
    return this.count;
  }

  /** Bytes of memory held. */
  get byteLength(): number {
    return this.slots.byteLength + this.hashes.byteLength + this.offsets.byteLength + this.bytes.length;
  }

  /** All texts, one after the other in the order of their codes: text `i` is from `ends[i]` to `ends[i + 1]`. */
  get texts(): { ends: Float64Array; bytes: Uint8Array } {
    const ends = this.offsets.subarray(0, this.count + 1);
    return { ends, bytes: this.bytes.subarray(0, ends[this.count]) };
  }

  /** The code of a text, a new one when it is new. */
  add(source: Uint8Array, start: number, end: number): number {
    if (this.last >= 0 && this.isText(this.last, source, start, end)) return this.last;
    this.last = this.codeOf(source, start, end);
    return this.last;
  }

  private codeOf(source: Uint8Array, start: number, end: number): number {
    const hash = this.hash(source, start, end);
    const slot = this.slotOf(hash, source, start, end);
    const known = this.slots[slot]!;
    if (known > 0) return known - 1;
    const code = this.count;
    this.count += 1;
    this.slots[slot] = this.count;
    this.keep(code, hash, source, start, end);
    return code;
  }

  /** The code of a text, or -1 when it was never added. */
  find(source: Uint8Array, start: number, end: number): number {
    return this.slots[this.slotOf(this.hash(source, start, end), source, start, end)]! - 1;
  }

  textOf(code: number): string {
    return this.bytes.toString('utf8', this.offsets[code], this.offsets[code + 1]);
  }

  /** Order of two texts by their bytes, which is the order of their code points. */
  compare(a: number, b: number): number {
    const { bytes, offsets } = this;
    return bytes.compare(bytes, offsets[b], offsets[b + 1], offsets[a], offsets[a + 1]);
  }

  private slotOf(hash: number, source: Uint8Array, start: number, end: number): number {
    const { slots, hashes } = this;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (let taken = slots[slot]!; taken > 0; taken = slots[slot]!) {
      if (hashes[taken - 1] === hash && this.isText(taken - 1, source, start, end)) return slot;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private isText(code: number, source: Uint8Array, start: number, end: number): boolean {
    const { bytes, offsets } = this;
    const at = offsets[code]!;
    if (offsets[code + 1]! - at !== end - start) return false;
    // From the end: ids begin alike more often than they end alike.
    for (let i = end - 1; i >= start; i--) if (source[i] !== bytes[at + i - start]) return false;
    return true;
  }

  private hash(source: Uint8Array, start: number, end: number): number {
    let hash = this.seed;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ source[i]!, 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
    return hash ^ (hash >>> 15);
  }

  private keep(code: number, hash: number, source: Uint8Array, start: number, end: number): void {
    const at = this.offsets[code]!;
    const needed = at + end - start;
    if (needed > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
      this.bytes.copy(larger, 0, 0, at);
      this.bytes = larger;
    }
    for (let i = start; i < end; i++) this.bytes[at + i - start] = source[i]!;
    this.offsets[code + 1] = needed;
    this.hashes[code] = hash;
    if (this.count * 2 >= this.slots.length) this.grow();
  }

  private grow(): void {
    this.rebuild(this.slots.length * 2);
  }

  private rebuild(size: number): void {
    const slots = new Int32Array(size);
    const mask = slots.length - 1;
    this.hashes = extended(this.hashes, new Int32Array(slots.length / 2));
    this.offsets = extended(this.offsets, new Float64Array(slots.length / 2 + 1));
    for (let code = 0; code < this.count; code++) {
      let slot = this.hashes[code]! & mask;
      while (slots[slot]! > 0) slot = (slot + 1) & mask;
      slots[slot] = code + 1;
    }
    this.slots = slots;
  }
}

function extended<T extends Int32Array | Float64Array>(from: T, into: T): T {
  into.set(from);
  return into;
}
