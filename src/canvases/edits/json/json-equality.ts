import { isArrayAt, isObjectAt, isStringAt, type JsonText, readString, walkChildren } from './json-spans.js';

const isDigit = (byte: number | undefined) => byte === 0x2d || (byte !== undefined && byte >= 0x30 && byte <= 0x39);

/** A decimal without its freedom of spelling: sign, digits without zeros at either end, power of ten. */
function canonicalNumber(spelling: string): string {
  const parts = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(spelling);
  if (!parts) return spelling;
  const [, sign, whole = '', fraction = '', exponent = '0'] = parts;
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  const power = BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length);
  return `${sign}${significant}e${power}`;
}

function sameNumber(a: string, b: string): boolean {
  if (a === b) return true;
  // Rounding is a function: different doubles come from different numbers. Equal ones need a closer look.
  if (Number(a) !== Number(b) || a.length + b.length > 2_000) return false;
  return canonicalNumber(a) === canonicalNumber(b);
}

/** Where the value of each key is; the last of equal keys, as JSON.parse has it. */
function membersOf(text: JsonText): Map<string, JsonText> {
  const { source } = text;
  const members = new Map<string, JsonText>();
  walkChildren(source, text.start, (_lead, keyStart, keyEnd, start, end) => {
    members.set(readString(source, keyStart, keyEnd), { source, start, end });
  });
  return members;
}

function elementsOf(text: JsonText): JsonText[] {
  const { source } = text;
  const elements: JsonText[] = [];
  walkChildren(source, text.start, (_lead, _keyStart, _keyEnd, start, end) => {
    elements.push({ source, start, end });
  });
  return elements;
}

/**
 * Whether two texts mean the same value: keys in any order, strings by their characters, numbers by their exact
 * decimal value (so 9007199254740993 and ...992 differ, 1.0 and 1 do not).
 * @source RFC 6902 section 4.6
 */
export function sameJson(a: JsonText, b: JsonText): boolean {
  if (a.end - a.start === b.end - b.start && a.source.compare(b.source, b.start, b.end, a.start, a.end) === 0)
    return true;
  const first = a.source[a.start];
  const other = b.source[b.start];
  if (isDigit(first) && isDigit(other))
    return sameNumber(a.source.toString('latin1', a.start, a.end), b.source.toString('latin1', b.start, b.end));
  if (first !== other) return false;
  if (isStringAt(a.source, a.start))
    return readString(a.source, a.start, a.end) === readString(b.source, b.start, b.end);
  if (isArrayAt(a.source, a.start)) {
    const left = elementsOf(a);
    const right = elementsOf(b);
    return left.length === right.length && left.every((element, i) => sameJson(element, right[i] as JsonText));
  }
  if (!isObjectAt(a.source, a.start)) return false;
  const left = membersOf(a);
  const right = membersOf(b);
  if (left.size !== right.size) return false;
  for (const [key, value] of left) {
    const match = right.get(key);
    if (!match || !sameJson(value, match)) return false;
  }
  return true;
}
