// Numbers as people read them: three significant digits, a unit behind a space that does not break.

/** A narrow space that does not break. @source SI Brochure section 5.4.3 */
export const space = '\u202f';
const none = '–';

/** @typedef {number | null | undefined} Maybe */

/** @param {Maybe} value @returns {value is number} */
const isKnown = (value) => typeof value === 'number' && Number.isFinite(value);

/** @type {Map<string, Intl.NumberFormat>} */
const formats = new Map();

/** @param {number} value @param {Intl.NumberFormatOptions} options */
function inEnglish(value, options) {
  const key = JSON.stringify(options);
  const format = formats.get(key) ?? new Intl.NumberFormat('en', options);
  formats.set(key, format);
  return format.format(value).replace('-', '\u2212');
}

/** @param {number} value */
function digits(value) {
  const size = Math.abs(value);
  if (size >= 1e6) return inEnglish(value, { notation: 'compact', maximumSignificantDigits: 3 });
  if (size >= 100) return inEnglish(value, { maximumFractionDigits: 0 });
  if (size < 0.0005) return '0';
  return inEnglish(value, { maximumSignificantDigits: size < 1 ? 2 : 3 });
}

/** @param {Maybe} value @source ECMA-402, Intl.NumberFormat */
export const number = (value) => (isKnown(value) ? digits(value) : none);

/** Whole things: 1,234. @param {Maybe} value @source ECMA-402, Intl.NumberFormat */
export const count = (value) => (isKnown(value) ? digits(Math.round(value)) : none);

/** @param {Maybe} value @param {string} unit @source SI Brochure section 5.4.3 */
export const withUnit = (value, unit) => (isKnown(value) ? `${digits(value)}${space}${unit}` : none);

/** @param {Maybe} value @source SI Brochure section 5.4.3 */
export const perSecond = (value) => withUnit(value, '/s');

/** @param {Maybe} value milliseconds @source SI Brochure section 5.4.3 */
export function milliseconds(value) {
  if (!isKnown(value)) return none;
  const size = Math.abs(value);
  if (size !== 0 && size < 0.01) return withUnit(value * 1000, 'µs');
  if (size < 1000) return withUnit(value, 'ms');
  return size < 120_000 ? withUnit(value / 1000, 's') : withUnit(value / 60_000, 'min');
}

/** @param {Maybe} ratio 0 to 1 @source SI Brochure section 5.4.7 */
export function percent(ratio) {
  if (!isKnown(ratio)) return none;
  const value = ratio * 100;
  // 99.96 % is not all of them.
  const shown = value > 99 && value < 100 ? Math.floor(value * 10) / 10 : value;
  return `${shown >= 100 || shown === 0 ? inEnglish(shown, { maximumFractionDigits: 0 }) : digits(shown)}${space}%`;
}

/** @param {Maybe} value @source IEC 80000-13 (binary prefixes) */
export function bytes(value) {
  if (!isKnown(value)) return none;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = value;
  let unit = 0;
  while (Math.abs(size) >= 1000 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return withUnit(size, units[unit] ?? 'B');
}

/** @param {number} seconds @source product contract, Monitoring (`GET /dashboard`) */
export function duration(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))}${space}s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)}${space}min`;
  if (seconds < 86_400 * 2) return `${digits(seconds / 3600)}${space}h`;
  return `${Math.round(seconds / 86_400)}${space}days`;
}

/** @param {number} seconds since 1970 @param {boolean} [withSeconds] @source ISO 8601 (times of day) */
export function timeOfDay(seconds, withSeconds = false) {
  const date = new Date(seconds * 1000);
  const part = (/** @type {number} */ value) => String(value).padStart(2, '0');
  const minutes = `${part(date.getHours())}:${part(date.getMinutes())}`;
  return withSeconds ? `${minutes}:${part(date.getSeconds())}` : minutes;
}

/**
 * A time of today, or with its day.
 * @param {number} seconds since 1970
 * @param {number} now the same
 * @source ISO 8601
 */
export function moment(seconds, now) {
  if (now - seconds < 12 * 3600) return timeOfDay(seconds, true);
  const date = new Date(seconds * 1000);
  const day = date.toLocaleDateString('en', { month: 'short', day: 'numeric' });
  return `${day}, ${timeOfDay(seconds)}`;
}
