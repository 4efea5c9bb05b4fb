import { escapeLength, escapesKept, maxWritten, writeEscape } from './escapes.js';
import { endOfNumber, isDigit } from './number-text.js';
import { PlainRun, stops } from './plain-run.js';
import { stepKeys, stepText } from './step-text.js';

/**
 * Copies JSON text without the spaces between its tokens, checking all of it on the way, in one pass over the bytes and
 * without making a value of it. What it has copied is, byte for byte, what `JSON.stringify(JSON.parse(text))` writes:
 * escapes and numbers that would be written otherwise are written so. It gives up (`false`) where that takes more than a
 * look at the bytes, as with the same key twice in an object or a key that counts as a number, and where the text is no
 * JSON: then the text is to be parsed. It takes the bytes to be valid UTF-8.
 */

const quote = 0x22;
const comma = 0x2c;
const minus = 0x2d;
const colon = 0x3a;
const openList = 0x5b;
const backslash = 0x5c;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

const maxDepth = 64;
const maxKeys = 64;
/** Up to here a loop over the bytes is sooner done than a call. */
const shortRunBytes = 160;

const words = ['true', 'false', 'null'].map((word) => Buffer.from(word));
/** @source RFC 8259; ECMA-262, "JSON.stringify" */
export class CompactText {
  private text: Buffer = Buffer.alloc(0);
  private readonly plain = new PlainRun();
  private at = 0;
  /** From here on the text is not copied yet. */
  private runFrom = 0;
  private out: Buffer = Buffer.alloc(0);
  private used = 0;
  private keyFrom = 0;
  private keyTo = 0;
  /** Hashes of the keys of the objects that are open, the outermost first. */
  private readonly keys = new Int32Array((maxDepth + 4) * maxKeys);
  private keyCount = 0;

  /** @param text valid UTF-8. What was copied before is gone. */
  begin(text: Buffer): void {
    const roomy = Math.ceil(text.length * 1.25) + 64;
    if (this.out.length < roomy) this.out = Buffer.allocUnsafeSlow(roomy * 2);
    this.text = text;
    this.plain.begin(text);
    this.at = 0;
    this.runFrom = 0;
    this.used = 0;
    this.keyCount = 0;
  }

  /** Copies up to here. @returns where the copy goes on */
  mark(): number {
    this.copyTo(this.at);
    return this.used;
  }

  /** The copy between two marks, until the next `begin`. */
  copied(from: number, to: number): Buffer {
    return this.out.subarray(from, to);
  }

  /** The copy between two marks as a string. */
  decoded(from: number, to: number, encoding: 'utf8' | 'latin1'): string {
    return this.out.toString(encoding, from, to);
  }

  /** Goes to the next token. @returns its first byte, or -1 when there is none */
  next(): number {
    const { text } = this;
    let i = this.at;
    if (i < text.length && text[i]! > 0x20) return text[i]!;
    this.copyTo(i);
    for (; i < text.length; i++) {
      const byte = text[i]!;
      if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) continue;
      this.at = i;
      this.runFrom = i;
      return byte > 0x20 ? byte : -1;
    }
    this.at = i;
    this.runFrom = i;
    return -1;
  }

  /** Nothing but spaces follows. */
  get isAtEnd(): boolean {
    return this.next() === -1 && this.at === this.text.length;
  }

  /** Goes past a byte that `next` has found. */
  step(): void {
    this.at += 1;
  }

  /** Begins an object at its brace. @returns to be given to {@link endObject} */
  beginObject(): number {
    this.at += 1;
    return this.keyCount;
  }

  endObject(begun: number): void {
    this.keyCount = begun;
  }

  /** A key and the colon after it. @param begun what {@link beginObject} returned */
  key(begun: number): boolean {
    if (this.next() !== quote) return false;
    const { text } = this;
    const from = this.at + 1;
    let i = from;
    let hash = 0x811c9dc5;
    for (; i < text.length && stops[text[i]!] === 0; i++) hash = Math.imul(hash ^ text[i]!, 0x01000193);
    if (text[i] !== quote || isDigit(text[from]) || this.keyCount - begun === maxKeys) return false;
    hash |= 0;
    const { keys, keyCount } = this;
    for (let k = begun; k < keyCount; k++) if (keys[k] === hash) return false;
    keys[keyCount] = hash;
    this.keyCount = keyCount + 1;
    this.keyFrom = from;
    this.keyTo = i;
    this.at = i + 1;
    if (this.next() !== colon) return false;
    this.at += 1;
    return true;
  }

  /** Tells whether the key read last is this one, which is ASCII. */
  isKey(name: string): boolean {
    const { text, keyFrom } = this;
    if (this.keyTo - keyFrom !== name.length) return false;
    for (let i = 0; i < name.length; i++) if (text[keyFrom + i] !== name.charCodeAt(i)) return false;
    return true;
  }

  /** Goes past a comma, or past the bracket that closes. @returns 1 after a comma, 0 at the end, -1 for all else */
  separator(closing: number): number {
    const byte = this.next();
    if (byte !== comma && byte !== closing) return -1;
    this.at += 1;
    return byte === comma ? 1 : 0;
  }

  /** Any value. @param depth how deep it stands */
  value(depth: number): boolean {
    const byte = this.next();
    if (byte === quote) return this.stringValue();
    if (byte === openObject) return this.object(depth, false);
    if (byte === openList) return this.list(depth);
    if (byte === minus || isDigit(byte)) return this.number();
    return this.word();
  }

  /**
   * A list of objects, which is all it may hold.
   * @param areSteps bring their numbers and truth values to their normal form
   * @returns how many; -1 when it is another value
   */
  objects(depth: number, areSteps: boolean): number {
    if (this.next() !== openList) return -1;
    this.at += 1;
    if (this.next() === closeList) {
      this.at += 1;
      return 0;
    }
    for (let count = 1; ; count++) {
      if (this.next() !== openObject || !this.object(depth + 1, areSteps)) return -1;
      const more = this.separator(closeList);
      if (more <= 0) return more < 0 ? -1 : count;
    }
  }

  private object(depth: number, isStep: boolean): boolean {
    if (depth > maxDepth) return false;
    const begun = this.beginObject();
    if (this.next() === closeObject) {
      this.at += 1;
      return true;
    }
    for (;;) {
      if (!this.key(begun)) return false;
      const named = isStep ? this.stepKey() : undefined;
      if (!(named && this.next() === quote ? this.stepValue(named) : this.value(depth + 1))) return false;
      const more = this.separator(closeObject);
      if (more === 1) continue;
      this.endObject(begun);
      return more === 0;
    }
  }

  private list(depth: number): boolean {
    if (depth > maxDepth) return false;
    this.at += 1;
    if (this.next() === closeList) {
      this.at += 1;
      return true;
    }
    for (;;) {
      if (!this.value(depth + 1)) return false;
      const more = this.separator(closeList);
      if (more !== 1) return more === 0;
    }
  }

  private stepKey(): (typeof stepKeys)[number] | undefined {
    for (const key of stepKeys) if (this.isKey(key)) return key;
    return undefined;
  }

  /** A step's number or truth value that came as text. */
  private stepValue(key: (typeof stepKeys)[number]): boolean {
    const { text } = this;
    const from = this.at;
    const to = this.plain.end(from + 1);
    if (text[to] !== quote) return false;
    this.at = to + 1;
    if (key !== 'done' && endOfNumber(text, from + 1) === to) {
      this.copyTo(from);
      this.runFrom = from + 1;
      this.copyTo(to);
      this.runFrom = to + 1;
      return true;
    }
    const written = stepText(key, text.toString('latin1', from + 1, to));
    return written === undefined || this.replace(from, to + 1, written);
  }

  private stringValue(): boolean {
    const { text } = this;
    let i = this.at + 1;
    for (;;) {
      i = this.plain.end(i);
      const byte = text[i];
      if (byte === quote) {
        this.at = i + 1;
        return true;
      }
      if (byte !== backslash) return false;
      if (escapesKept[text[i + 1] ?? 0] === 1) {
        i += 2;
        continue;
      }
      this.copyTo(i);
      if (this.used + maxWritten > this.out.length) return false;
      const written = writeEscape(text, i, this.out, this.used);
      if (written === 0) return false;
      this.used += written;
      i += escapeLength(text, i, written);
      this.runFrom = i;
    }
  }

  private word(): boolean {
    const { text, at } = this;
    for (const word of words) {
      if (word[0] !== text[at]) continue;
      this.at = at + word.length;
      return text.compare(word, 0, word.length, at, Math.min(this.at, text.length)) === 0;
    }
    return false;
  }

  private number(): boolean {
    const from = this.at;
    const end = endOfNumber(this.text, from);
    this.at = Math.abs(end);
    if (end >= 0) return end > 0;
    const read = Number(this.text.toString('latin1', from, -end));
    return Number.isFinite(read) && this.replace(from, -end, JSON.stringify(read));
  }

  /** @returns false when too much is longer than what it stands for */
  private replace(from: number, to: number, written: string): boolean {
    this.copyTo(from);
    if (this.used + written.length + this.text.length - to > this.out.length) return false;
    const { out } = this;
    for (let i = 0; i < written.length; i++) out[this.used++] = written.charCodeAt(i);
    this.runFrom = to;
    return true;
  }

  private copyTo(to: number): void {
    const { text, out, runFrom: from } = this;
    if (to <= from) return;
    let o = this.used;
    if (to - from <= shortRunBytes) for (let i = from; i < to; i++) out[o++] = text[i]!;
    else o += text.copy(out, o, from, to);
    this.used = o;
    this.runFrom = to;
  }
}
