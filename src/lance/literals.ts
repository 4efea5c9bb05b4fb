/**
 * The one place where values become text of a filter. LanceDB takes filters as SQL text only, so whatever comes from
 * outside must pass through here; nothing else may put quotes around a value.
 */

/**
 * A text as SQL literal. Only the single quote is special: a backslash stands for itself.
 * @source LanceDB documentation, "Filtering" (SQL literals)
 */
export function stringLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * A finite number as SQL literal, exact to the last bit (scientific form, so that no integer type is guessed).
 * @throws RangeError for NaN and infinities
 * @source LanceDB documentation, "Filtering" (SQL literals)
 */
export function numberLiteral(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`expected a finite number, got ${value}`);
  return Object.is(value, -0) ? '-0e+0' : value.toExponential();
}

/**
 * A whole number for comparison with an int32 column.
 * @throws RangeError for anything else
 * @source LanceDB documentation, "Filtering" (SQL literals)
 */
export function integerLiteral(value: number): string {
  if (!Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 31) {
    throw new RangeError(`expected a whole number of 32 bits, got ${value}`);
  }
  return value.toFixed(0);
}

/**
 * A truth value as SQL literal.
 * @source LanceDB documentation, "Filtering" (SQL literals)
 */
export function booleanLiteral(value: boolean): string {
  return value ? 'true' : 'false';
}

/**
 * Texts as the right-hand side of `IN`, brackets included.
 * @throws RangeError for an empty list, which SQL does not know
 * @source LanceDB documentation, "Filtering" (SQL literals)
 */
export function listLiteral(texts: readonly string[]): string {
  if (texts.length === 0) throw new RangeError('expected at least one text for a list');
  return `(${texts.map(stringLiteral).join(', ')})`;
}

/**
 * A text for the inside of a LIKE pattern, with `%`, `_` and `\` standing for themselves. Not yet a literal.
 * @source LanceDB documentation, "Filtering" (LIKE)
 */
export function likeEscape(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}

/**
 * A LIKE pattern, as literal, from a text in which `*` stands for any run of characters and all else for itself.
 * @source product contract, Trajectories ("filters")
 */
export function wildcardPattern(text: string): string {
  return stringLiteral(likeEscape(text).replaceAll('*', '%'));
}

/**
 * A LIKE or ILIKE pattern, as literal, for "contains this text".
 * @source product contract, Trajectories ("filters")
 */
export function containsPattern(text: string): string {
  return stringLiteral(`%${likeEscape(text)}%`);
}
