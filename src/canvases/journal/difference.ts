/**
 * What turns one version of a canvas into the next: so many bytes of its head stay, so many of its tail, and between
 * them comes `middle`.
 * @source product contract, Canvases (a small change costs a small record)
 */
export interface Difference {
  head: number;
  tail: number;
  middle: Buffer;
}

/** Below this a loop over bytes is faster than another call into native code. */
const loopBytes = 16;

/**
 * Compares in native code, over stretches that double: half a megabyte that is equal costs some fifteen calls.
 * @returns how many bytes at the start of `a` and `b` are equal
 * @source Node.js documentation, "buf.compare()"
 */
export function commonHead(a: Buffer, b: Buffer): number {
  const limit = Math.min(a.length, b.length);
  let equal = 0;
  let end = 0;
  for (let stretch = 64; ; stretch *= 2) {
    if (equal === limit) return limit;
    end = Math.min(equal + stretch, limit);
    if (a.compare(b, equal, end, equal, end) !== 0) break;
    equal = end;
  }
  while (end - equal > loopBytes) {
    const middle = (equal + end) >>> 1;
    if (a.compare(b, equal, middle, equal, middle) === 0) equal = middle;
    else end = middle;
  }
  while (equal < end && a[equal] === b[equal]) equal += 1;
  return equal;
}

/**
 * @param limit at most so many bytes are looked at
 * @returns how many bytes at the end of `a` and `b` are equal
 * @source Node.js documentation, "buf.compare()"
 */
export function commonTail(a: Buffer, b: Buffer, limit: number): number {
  const same = (from: number, to: number) =>
    a.compare(b, b.length - to, b.length - from, a.length - to, a.length - from) === 0;
  let equal = 0;
  let end = 0;
  for (let stretch = 64; ; stretch *= 2) {
    if (equal === limit) return limit;
    end = Math.min(equal + stretch, limit);
    if (!same(equal, end)) break;
    equal = end;
  }
  while (end - equal > loopBytes) {
    const middle = (equal + end) >>> 1;
    if (same(equal, middle)) equal = middle;
    else end = middle;
  }
  while (equal < end && a[a.length - 1 - equal] === b[b.length - 1 - equal]) equal += 1;
  return equal;
}

/**
 * @returns the difference that {@link PieceList} turns back into `next`; `middle` shares the memory of `next`
 * @source product contract, Canvases (a small change costs a small record)
 */
export function differenceOf(previous: Buffer, next: Buffer): Difference {
  const head = commonHead(previous, next);
  const tail = commonTail(previous, next, Math.min(previous.length, next.length) - head);
  return { head, tail, middle: next.subarray(head, next.length - tail) };
}

/** Beyond this many pieces, joining them once is cheaper than carrying them along. */
const maxPieces = 64;

/**
 * Goes through a chain of versions without copying each of them: a version is a list of pieces of earlier buffers.
 * @source product contract, Promises 1 (replay is quick)
 */
export class PieceList {
  #pieces: Buffer[];
  #length: number;

  constructor(whole: Buffer) {
    this.#pieces = [whole];
    this.#length = whole.length;
  }

  /** @returns false, and changes nothing, when the difference keeps more bytes than there are */
  apply({ head, tail, middle }: Difference): boolean {
    if (head + tail > this.#length) return false;
    const tailStart = this.#length - tail;
    const kept: Buffer[] = [];
    const after: Buffer[] = [];
    let offset = 0;
    for (const piece of this.#pieces) {
      const end = offset + piece.length;
      if (offset < head) kept.push(end <= head ? piece : piece.subarray(0, head - offset));
      if (end > tailStart) after.push(offset >= tailStart ? piece : piece.subarray(tailStart - offset));
      offset = end;
    }
    if (middle.length > 0) kept.push(middle);
    this.#pieces = kept.concat(after);
    this.#length = head + middle.length + tail;
    if (this.#pieces.length > maxPieces) this.#pieces = [Buffer.concat(this.#pieces)];
    return true;
  }

  /** @returns the bytes of the version reached, in memory of their own */
  bytes(): Buffer {
    return Buffer.concat(this.#pieces, this.#length);
  }
}
