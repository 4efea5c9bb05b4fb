/**
 * Readers of single values as trainers dump them: numbers and truth values may be text. Each takes the name of the
 * field, the raw value and the list that collects reasons for refusal, and returns a value of the right type.
 */

/** Deepest nesting of objects and lists that a record may have. @source product contract, Canvases ("nesting limit") */
export const maxRecordDepth = 128;

const decimal = /^[\t-\r ]*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?[\t-\r ]*$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const controlCharacter = /[\u0000-\u001f\u007f-\u009f]/;
const loneSurrogate = /\p{Surrogate}/u;
const maxIdLength = 1024;

/** What a value is, in the words of a reason, short whatever its size. */
function described(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'number' && !Number.isFinite(value)) return 'a number out of range';
  const shown = JSON.stringify(value) ?? typeof value;
  return shown.length > 60 ? `${shown.slice(0, 57)}..."` : shown;
}

/** Null, nothing, and Python's `None` written as text. */
const isAbsent = (value: unknown) => value === undefined || value === null || value === 'None';

/** A number, a number as text, or a truth value (1 or 0); undefined for all else and for what is not finite. */
function numberOf(value: unknown): number | undefined {
  let read: number;
  if (typeof value === 'number') read = value;
  else if (typeof value === 'boolean') read = value ? 1 : 0;
  else if (typeof value !== 'string') return undefined;
  else if (decimal.test(value)) read = Number(value);
  else {
    const truth = booleanOf(value);
    return truth === undefined ? undefined : Number(truth);
  }
  return Number.isFinite(read) ? read + 0 : undefined;
}

function booleanOf(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (value === 'True' || value === 'true' || value === 1 || value === '1') return true;
  if (value === 'False' || value === 'false' || value === 0 || value === '0') return false;
  return undefined;
}

/**
 * A finite number; 0 when absent.
 * @source product contract, Import formats ("numbers may be strings")
 */
export function readNumber(name: string, value: unknown, reasons: string[]): number {
  if (isAbsent(value)) return 0;
  const read = numberOf(value);
  if (read !== undefined) return read;
  reasons.push(`${name}: expected a number, got ${described(value)}`);
  return 0;
}

/**
 * A whole number of 32 bits, not below `min`; 0 when absent.
 * @source product contract, Import formats ("numbers may be strings")
 */
export function readInt32(name: string, value: unknown, reasons: string[], min = -(2 ** 31)): number {
  if (isAbsent(value)) return 0;
  const read = numberOf(value);
  if (read !== undefined && Number.isInteger(read) && read >= min && read < 2 ** 31) return read;
  reasons.push(`${name}: expected a whole number from ${min} to ${2 ** 31 - 1}, got ${described(value)}`);
  return 0;
}

/**
 * True or false; false when absent.
 * @source product contract, Import formats ("True")
 */
export function readBoolean(name: string, value: unknown, reasons: string[]): boolean {
  if (isAbsent(value)) return false;
  const read = booleanOf(value);
  if (read !== undefined) return read;
  reasons.push(`${name}: expected true or false, got ${described(value)}`);
  return false;
}

/**
 * Text; numbers and truth values become their text, nothing becomes "".
 * @source product contract, Trajectories ("Record")
 */
export function readText(name: string, value: unknown, reasons: string[]): string {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return '';
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return String(value);
  reasons.push(`${name}: expected text, got ${described(value)}`);
  return '';
}

/**
 * An id: text that is not blank, at most 1024 characters, without control characters; a number becomes its decimal
 * text unless digits of it may already be lost.
 * @source product contract, Import formats ("Required: trajectory_id, data_id")
 */
export function readId(name: string, value: unknown, reasons: string[]): string {
  if (value === undefined || value === null || value === '') {
    reasons.push(`${name}: required`);
    return '';
  }
  const whole = typeof value === 'number' && Number.isInteger(value);
  const id = whole ? (Number.isSafeInteger(value) ? String(value) : undefined) : value;
  const text = typeof id === 'number' && Number.isFinite(id) ? String(id) : id;
  if (typeof text !== 'string' || text.trim() === '' || loneSurrogate.test(text)) {
    reasons.push(`${name}: expected text, got ${described(value)}`);
    return '';
  }
  checkId(name, text, reasons);
  return text;
}

/**
 * Adds a reason when the text is too long for an id or holds control characters.
 * @source product contract, Import formats ("Required: trajectory_id, data_id")
 */
export function checkId(name: string, text: string, reasons: string[]): void {
  if (text.length > maxIdLength) {
    reasons.push(`${name}: expected at most ${maxIdLength} characters, got ${text.length}`);
  } else if (controlCharacter.test(text)) {
    reasons.push(`${name}: expected no control characters`);
  }
}

/**
 * A list of objects; empty when absent.
 * @source product contract, Settled details ("steps or chat_completions that are no lists")
 */
export function readObjects(name: string, value: unknown, reasons: string[]): Record<string, unknown>[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    reasons.push(`${name}: expected a list, got ${described(value)}`);
    return [];
  }
  const odd = value.findIndex((item) => !isObject(item));
  if (odd >= 0) reasons.push(`${name}[${odd}]: expected an object, got ${described(value[odd])}`);
  return value;
}

/**
 * A list of texts, each once; empty when absent.
 * @source product contract, Trajectories ("tags[]")
 */
export function readTexts(name: string, value: unknown, reasons: string[]): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    reasons.push(`${name}: expected a list of texts, got ${described(value)}`);
    return [];
  }
  return [...new Set(value.map((item, i) => readText(`${name}[${i}]`, item ?? {}, reasons)))];
}

/**
 * An object that is no list.
 * @source RFC 8259 section 4
 */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Turns a step's numbers and truth values that came as text into what they are; what reads as neither stays.
 * @source product contract, Import formats ("numbers may be strings")
 */
export function normalizeStep(step: Record<string, unknown>): void {
  for (const name of ['reward', 'mc_return', 'step_id']) {
    const value = step[name];
    if (typeof value !== 'string' || !decimal.test(value)) continue;
    const read = Number(value);
    if (Number.isFinite(read)) step[name] = read;
  }
  const done = step.done;
  if (typeof done === 'string') step.done = booleanOf(done) ?? done;
}

/**
 * Why a value cannot be kept: nested deeper than `maxDepth`, or a number beyond what a double holds (1e309).
 * Never recurses deeper than the limit.
 * @source product contract, Canvases ("nesting limit 128")
 */
export function unfitReason(value: unknown, maxDepth: number): string | undefined {
  if (typeof value === 'number') {
    return Number.isFinite(value) ? undefined : 'expected numbers within the range of a double';
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (maxDepth === 0) return 'nested deeper than 128 levels';
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item = value[i];
      if (typeof item === 'string') continue;
      const reason = unfitReason(item, maxDepth - 1);
      if (reason) return reason;
    }
    return undefined;
  }
  for (const key in value) {
    const item = (value as Record<string, unknown>)[key];
    if (typeof item === 'string') continue;
    const reason = unfitReason(item, maxDepth - 1);
    if (reason) return reason;
  }
  return undefined;
}
