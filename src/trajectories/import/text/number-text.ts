const minus = 0x2d;
const plus = 0x2b;
const dot = 0x2e;
const zero = 0x30;
const nine = 0x39;
const lowerE = 0x65;

/** A decimal of so many digits is the shortest that reads as the same double. */
const exactDigits = 15;

/**
 * Tells a decimal digit.
 * @source RFC 8259 section 6
 */
export const isDigit = (byte: number | undefined) => byte !== undefined && byte >= zero && byte <= nine;

/**
 * Finds the end of a JSON number.
 * @returns where it ends; below zero, where it ends, when `JSON.stringify` may write it otherwise; 0 for what is none
 * @source RFC 8259 section 6; ECMA-262, "Number::toString"
 */
export function endOfNumber(text: Uint8Array, at: number): number {
  let i = at;
  const isNegative = text[i] === minus;
  if (isNegative) i += 1;
  const from = i;
  if (text[i] === zero) i += 1;
  else while (isDigit(text[i])) i += 1;
  if (i === from) return 0;
  const isZero = text[from] === zero;
  let isSame = !(isNegative && isZero);
  if (text[i] === dot) {
    const fraction = ++i;
    while (isDigit(text[i])) i += 1;
    if (i === fraction) return 0;
    // Those near zero may be written with an exponent.
    isSame = text[i - 1] !== zero && !(isZero && text[fraction] === zero);
  }
  if (i - from > exactDigits) isSame = false;
  if (((text[i] ?? 0) | 0x20) !== lowerE) return isSame ? i : -i;
  i += 1;
  if (text[i] === plus || text[i] === minus) i += 1;
  const exponent = i;
  while (isDigit(text[i])) i += 1;
  return i === exponent ? 0 : -i;
}
