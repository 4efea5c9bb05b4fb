import type { TrajectoryRow } from './trajectory-columns.js';
import type { TrajectoryCondition, TrajectoryFilter } from './trajectory-filter.js';

type ColumnValues = Omit<TrajectoryRow, 'record_json'>;

/**
 * The filter as a test on rows in memory; lets the same rows pass as the SQL text does.
 * @returns a function that takes a row with the filter's columns in it
 * @source trajectory-optimization 2.1 (filtering in the service)
 */
export function filterPredicate(filter: TrajectoryFilter): (row: ColumnValues) => boolean {
  const tests = filter.map(conditionPredicate);
  return (row) => tests.every((test) => test(row));
}

function conditionPredicate(condition: TrajectoryCondition): (row: ColumnValues) => boolean {
  switch (condition.test) {
    case 'matches':
      return (row) => matchesWildcard(row[condition.column] ?? '', condition.text);
    case 'contains': {
      const pattern = new RegExp(escapeForRegExp(condition.text), 'iu');
      return (row) => condition.columns.some((column) => pattern.test(row[column] ?? ''));
    }
    case 'one_of':
      return (row) => condition.texts.includes(row[condition.column] ?? '');
    case 'between':
    case 'between_whole':
      return (row) => {
        const value = row[condition.column] ?? Number.NaN;
        return value >= (condition.min ?? -Infinity) && value <= (condition.max ?? Infinity);
      };
    case 'is':
      return (row) => row[condition.column] === condition.value;
    case 'has_all':
      return (row) => condition.texts.every((text) => row.tags?.includes(text));
  }
}

const escapeForRegExp = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/** In time proportional to the text for each `*`, whatever the pattern. */
function matchesWildcard(text: string, pattern: string): boolean {
  const parts = pattern.split('*');
  if (parts.length === 1) return text === pattern;
  const first = parts[0]!;
  const last = parts[parts.length - 1]!;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let position = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, position);
    if (found === -1 || found + part.length > end) return false;
    position = found + part.length;
  }
  return true;
}
