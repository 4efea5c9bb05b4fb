import { patchMalformed, resultTooLarge } from '../errors.js';
import { type JsonText, maxDepth, skipSpace, skipString } from './json-spans.js';
import type { JsonStyle } from './json-style.js';

/** Bytes that grow as they are written; shorter ranges than this are copied faster one by one. */
const shortRange = 24;

class ByteWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(
    expected: number,
    readonly maxBytes: number,
  ) {
    this.#bytes = Buffer.allocUnsafe(expected);
  }

  /** @throws Problem CANVAS_EDIT_TOO_LARGE */
  write(source: Buffer, start = 0, end = source.length): void {
    const length = this.#length + end - start;
    if (length > this.#bytes.length) {
      if (length > this.maxBytes) throw resultTooLarge(this.maxBytes);
      const grown = Buffer.allocUnsafe(2 * length);
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    if (end - start > shortRange) source.copy(this.#bytes, this.#length, start, end);
    else for (let i = start; i < end; i++) this.#bytes[this.#length + i - start] = source[i] as number;
    this.#length = length;
  }

  written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}

const isClosing = (byte: number | undefined) => byte === 0x5d || byte === 0x7d;
const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x09 || byte === 0x0d;
const empty = Buffer.alloc(0);

/** Where a literal or number ends. */
function scalarEnd(bytes: Buffer, at: number, end: number): number {
  let i = at;
  for (; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte === 0x2c || isClosing(byte) || isSpace(byte)) break;
  }
  return i;
}

/**
 * Writes a value in a style, as it stands at a depth. Strings, keys and numbers keep their spelling; only the white
 * space between them is new.
 * @param depth how many arrays and objects are around the value
 * @param expandDepth arrays and objects at this depth and deeper stand on one line
 * @param maxBytes indentation makes deep values grow: no more than this is written
 * @throws Problem CANVAS_PATCH_MALFORMED when it would be nested too deep, CANVAS_EDIT_TOO_LARGE
 * @source product contract, Canvases ("number spelling and indentation are kept")
 */
export function formatJson(
  { source, start, end }: JsonText,
  style: JsonStyle,
  depth: number,
  expandDepth: number,
  maxBytes: number,
): Buffer {
  const out = new ByteWriter(end - start + 64, maxBytes);
  const lines: Buffer[] = [];
  const line = (level: number) => {
    lines[level] ??= Buffer.from(style.newline + style.indent.repeat(level));
    return lines[level];
  };
  const [colon, comma, pad] = [style.colon, style.comma, style.pad].map((part) => Buffer.from(part)) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  const isObject: boolean[] = [];
  let level = depth;
  // What stands inside the brackets of what is being written, which is at depth level - 1.
  const inside = (at: number) => (level - 1 < expandDepth ? line(at) : isObject.at(-1) ? pad : empty);
  for (let i = start; i < end; ) {
    const byte = source[i] as number;
    if (isSpace(byte)) i++;
    else if (byte === 0x22) {
      const stringEnd = skipString(source, i);
      out.write(source, i, stringEnd);
      i = stringEnd;
    } else if (byte === 0x7b || byte === 0x5b) {
      out.write(source, i, i + 1);
      i = skipSpace(source, i + 1);
      if (isClosing(source[i])) {
        out.write(source, i, i + 1);
        i++;
        continue;
      }
      if (++level > maxDepth) throw patchMalformed(`Expected at most ${maxDepth} levels of nesting`);
      isObject.push(byte === 0x7b);
      out.write(inside(level));
    } else if (isClosing(byte)) {
      out.write(inside(level - 1));
      out.write(source, i, i + 1);
      i++;
      isObject.pop();
      level--;
    } else if (byte === 0x2c) {
      if (level - 1 < expandDepth) {
        out.write(source, i, i + 1);
        out.write(line(level));
      } else out.write(comma);
      i++;
    } else if (byte === 0x3a) {
      out.write(colon);
      i++;
    } else {
      const next = scalarEnd(source, i, end);
      out.write(source, i, next);
      i = next;
    }
  }
  return out.written();
}
