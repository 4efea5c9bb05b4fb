/**
 * The reference tokens of a JSON pointer, unescaped; undefined when it is none.
 * @source RFC 6901 sections 3 and 4
 */
export function parsePointer(pointer: string): string[] | undefined {
  if (pointer === '') return [];
  if (pointer[0] !== '/' || /~(?![01])/.test(pointer)) return undefined;
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/**
 * The array index that a token names, or -1.
 * @source RFC 6901 section 4 (no sign, no leading zero)
 */
export function arrayIndex(token: string): number {
  return /^(0|[1-9]\d{0,14})$/.test(token) ? Number(token) : -1;
}
