import { booleanLiteral, integerLiteral, numberLiteral, stringLiteral } from '../../../lance/index.js';
import type { PageQuery, RowPosition } from '../page-query.js';
import type { ScalarColumn } from '../trajectory-columns.js';
import { isInteger, type SampledColumn, type SampledPlace } from './column-sample.js';

/**
 * The rows behind the position where a walk stands, as SQL text; undefined at the start of a walk and without one.
 * @throws RangeError for a number that the column cannot hold
 * @source product contract, Settled details ("`?cursor=`")
 */
export function positionSql({ sortBy, order, walk }: PageQuery): string | undefined {
  const after = walk?.after;
  if (!after) return undefined;
  const value = valueSql(sortBy, after.value);
  const sign = order === 'asc' ? '>' : '<';
  const behind = `seq ${sign} ${numberLiteral(after.seq)}`;
  if (typeof after.value !== 'boolean') {
    // The first condition says nothing new, but an index can answer it.
    return `${sortBy} ${sign}= ${value} AND (${sortBy} ${sign} ${value} OR ${behind})`;
  }
  const isLast = after.value === (order === 'asc');
  const sameValue = `${sortBy} = ${value} AND ${behind}`;
  return isLast ? sameValue : `${sortBy} = ${booleanLiteral(!after.value)} OR (${sameValue})`;
}

/**
 * The rows up to a place of the order, with the row there, as SQL text.
 * @source product contract, Optimisations (`native_query`)
 */
export function upToSql(column: SampledColumn, order: PageQuery['order'], { value, seq }: SampledPlace): string {
  const sign = order === 'asc' ? '<' : '>';
  const at = valueSql(column, value);
  const upToValue = `${column} ${sign}= ${at}`;
  return seq === undefined
    ? upToValue
    : `${upToValue} AND (${column} ${sign} ${at} OR seq ${sign}= ${numberLiteral(seq)})`;
}

function valueSql(column: ScalarColumn, value: RowPosition['value']): string {
  if (typeof value === 'boolean') return booleanLiteral(value);
  if (typeof value === 'string') return stringLiteral(value);
  return isInteger(column) ? integerLiteral(value) : numberLiteral(value);
}
