const backslash = 0x5c;
const lowerU = 0x75;
const slash = 0x2f;

/**
 * 1 for a byte after a backslash that is written as it stands.
 * @source ECMA-262, "QuoteJSONString"
 */
export const escapesKept = new Uint8Array(256);
for (const name of Buffer.from('"\\bfnrt')) escapesKept[name] = 1;

/**
 * Bytes that {@link writeEscape} writes at most.
 * @source ECMA-262, "QuoteJSONString"
 */
export const maxWritten = 6;

const hexDigits = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 16; digit++) {
  const name = digit.toString(16);
  hexDigits[name.charCodeAt(0)] = digit;
  hexDigits[name.toUpperCase().charCodeAt(0)] = digit;
}

/** How `JSON.stringify` writes each character of ASCII. */
const asciiWritten = Array.from({ length: 0x80 }, (_, unit) =>
  Buffer.from(JSON.stringify(String.fromCharCode(unit)).slice(1, -1)),
);

/**
 * Writes what `JSON.stringify` writes for an escape that it would write otherwise: UTF-8, or another escape.
 * @param at where the backslash stands
 * @returns how many bytes were written; 0 for what is no escape, and for half a surrogate pair, which has no UTF-8
 * @source RFC 8259 section 7; RFC 3629 section 3
 */
export function writeEscape(text: Buffer, at: number, out: Buffer, to: number): number {
  if (text[at + 1] === slash) {
    out[to] = slash;
    return 1;
  }
  const unit = codeUnit(text, at);
  if (unit < 0x80) return unit < 0 ? 0 : asciiWritten[unit]!.copy(out, to);
  if (unit < 0x800) {
    out[to] = 0xc0 | (unit >> 6);
    out[to + 1] = 0x80 | (unit & 0x3f);
    return 2;
  }
  if (unit < 0xd800 || unit > 0xdfff) {
    out[to] = 0xe0 | (unit >> 12);
    out[to + 1] = 0x80 | ((unit >> 6) & 0x3f);
    out[to + 2] = 0x80 | (unit & 0x3f);
    return 3;
  }
  const second = unit < 0xdc00 ? codeUnit(text, at + 6) : -1;
  if (second < 0xdc00 || second > 0xdfff) return 0;
  const point = 0x10000 + ((unit & 0x3ff) << 10) + (second & 0x3ff);
  out[to] = 0xf0 | (point >> 18);
  out[to + 1] = 0x80 | ((point >> 12) & 0x3f);
  out[to + 2] = 0x80 | ((point >> 6) & 0x3f);
  out[to + 3] = 0x80 | (point & 0x3f);
  return 4;
}

/**
 * How long an escape is that {@link writeEscape} has written.
 * @source RFC 8259 section 7
 */
export function escapeLength(text: Buffer, at: number, written: number): number {
  if (text[at + 1] === slash) return 2;
  // Four bytes are a surrogate pair.
  return written === 4 ? 12 : 6;
}

/** Four hexadecimal digits after `\u`, or -1. */
function codeUnit(text: Buffer, at: number): number {
  if (at + 6 > text.length || text[at] !== backslash || text[at + 1] !== lowerU) return -1;
  const a = hexDigits[text[at + 2]!]!;
  const b = hexDigits[text[at + 3]!]!;
  const c = hexDigits[text[at + 4]!]!;
  const d = hexDigits[text[at + 5]!]!;
  return (a | b | c | d) < 0 ? -1 : (a << 12) | (b << 8) | (c << 4) | d;
}
