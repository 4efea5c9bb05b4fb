/**
 * A moment: ms since 1970, and what the text says beyond them (digits without trailing zeros, mostly none).
 * @source product contract, Settled details ("`timestamp` ISO 8601 with offset")
 */
export interface Instant {
  ms: number;
  finer: string;
}

/**
 * What a message says of the form.
 * @source product contract, Settled details ("`timestamp` ISO 8601 with offset")
 */
export const instantForm =
  'a time of ISO 8601 with its zone, such as 2026-11-21T08:30:00+08:00 or 2026-11-21T00:30:00Z';

const form =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:[Zz]|([+-])([01]\d|2[0-3]):?([0-5]\d))$/;

/**
 * Reads a time that names its zone.
 * @returns undefined for all else: no zone, a day that does not exist, a leap second
 * @source ISO 8601; RFC 3339
 */
export function readInstant(text: string): Instant | undefined {
  const match = form.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (hour > 23 || minute > 59 || second > 59 || month > 12 || month < 1) return undefined;
  const local = Date.UTC(year, month - 1, day, hour, minute, second);
  if (year < 100 || new Date(local).getUTCDate() !== day) return undefined;
  const fraction = (match[7] ?? '').padEnd(3, '0');
  const offsetMinutes = (Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0)) * (match[8] === '-' ? -1 : 1);
  return {
    ms: local + Number(fraction.slice(0, 3)) - offsetMinutes * 60_000,
    finer: fraction.slice(3).replace(/0+$/, ''),
  };
}

/**
 * A day in ms.
 * @source product contract, Settled details ("exactly 7 x 24 h")
 */
export const dayMs = 86_400_000;

/**
 * The UTC day that a moment lies in, as days since 1970.
 * @source story-17.4 task 6 (partitions by date)
 */
export const dayOf = (ms: number): number => Math.floor(ms / dayMs);

/**
 * A day as `2026-11-21`: the name of its partition.
 * @source story-17.4 task 6 (partitions by date)
 */
export const dayName = (day: number): string => new Date(day * dayMs).toISOString().slice(0, 10);
