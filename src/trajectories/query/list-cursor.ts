import { createHash } from 'node:crypto';
import { z } from 'zod';
import { cursorInvalid } from '../errors.js';
import type { PageQuery, RowPosition } from './page-query.js';
import {
  flagColumns,
  integerColumns,
  numberColumns,
  type ScalarColumn,
  sortableColumns,
  textColumns,
} from './trajectory-columns.js';
import { filterLimits, hasFewWildcards, type TrajectoryFilter } from './trajectory-filter.js';
import type { CarriedPosition } from './trajectory-repository.js';

/**
 * Cursors of walks over the list: text that carries the filter, the order, and where the page before ended, as the
 * sort value and the `seq` of its last row. Row ids are not in it: an update changes them. The sum at its beginning
 * tells a cut or changed cursor; what is in it is checked anew, since anybody can write one.
 */

const bound = z.number().optional();
const text = z.string().max(filterLimits.textLength);
const texts = z.array(text).min(1).max(filterLimits.texts);
const conditionSchema = z.discriminatedUnion('test', [
  z.strictObject({ test: z.literal('matches'), column: z.enum(textColumns), text: text.refine(hasFewWildcards) }),
  z.strictObject({ test: z.literal('contains'), columns: z.array(z.enum(textColumns)).min(1), text }),
  z.strictObject({ test: z.literal('one_of'), column: z.enum(textColumns), texts }),
  z.strictObject({ test: z.literal('between'), column: z.enum(numberColumns), min: bound, max: bound }),
  z.strictObject({ test: z.literal('between_whole'), column: z.enum(integerColumns), min: bound, max: bound }),
  z.strictObject({ test: z.literal('is'), column: z.enum(flagColumns), value: z.boolean() }),
  z.strictObject({ test: z.literal('has_all'), column: z.literal('tags'), texts }),
]);
const cursorSchema = z.strictObject({
  filter: z.array(conditionSchema).max(100),
  sortBy: z.enum(sortableColumns),
  order: z.enum(['asc', 'desc']),
  seq: z.number(),
  at: text.optional(),
  value: z.union([text, z.number(), z.boolean()]).optional(),
});

/**
 * Which rows a walk goes through, in what order, and where it stands.
 * @source product contract, Settled details ("`?cursor=`")
 */
export interface WalkPlace extends Pick<PageQuery, 'filter' | 'sortBy' | 'order'> {
  after: CarriedPosition;
  /** {@link addressSum} of an address that chooses rows itself. */
  at?: string;
}

/** Longer texts are left out: a cursor has to fit into an address. */
const maxValueLength = 256;
const sumBytes = 9;

/**
 * @returns letters, digits, `-` and `_` only
 * @source product contract, Settled details ("`?cursor=`"); RFC 4648 section 5
 */
export function encodeCursor({ filter, sortBy, order, after, at }: WalkPlace & { after: RowPosition }): string {
  const isLong = typeof after.value === 'string' && after.value.length > maxValueLength;
  const { seq, value } = after;
  const carried = Buffer.from(JSON.stringify({ filter, sortBy, order, seq, at, ...(isLong ? {} : { value }) }));
  return Buffer.concat([sumOf(carried), carried]).toString('base64url');
}

/**
 * @throws Problem CURSOR_INVALID for all but what {@link encodeCursor} gives
 * @source product contract, Settled details ("`?cursor=`")
 */
export function decodeCursor(cursor: string): WalkPlace {
  const bytes = Buffer.from(cursor, 'base64url');
  const carried = bytes.subarray(sumBytes);
  const isWhole = bytes.toString('base64url') === cursor && sumOf(carried).equals(bytes.subarray(0, sumBytes));
  const parsed = isWhole ? cursorSchema.safeParse(parse(carried)) : undefined;
  if (!parsed?.success) throw cursorInvalid('expected a next_cursor as it was answered, or nothing to start a walk');
  const { seq, value, sortBy, order, at } = parsed.data;
  const place = { filter: parsed.data.filter as TrajectoryFilter, sortBy, order, ...(at === undefined ? {} : { at }) };
  if (value !== undefined && !fits(place.sortBy, value))
    throw cursorInvalid('expected a value that the field can have');
  return { ...place, after: { seq, ...(value === undefined ? {} : { value }) } };
}

/**
 * What a cursor tells addresses apart by: an id may be longer than a cursor can carry.
 * @source product contract, Settled details ("`?cursor=`")
 */
export const addressSum = (chosen: string): string => sumOf(Buffer.from(chosen)).toString('base64url');

const sumOf = (bytes: Buffer) => createHash('sha256').update('cursor 1 ').update(bytes).digest().subarray(0, sumBytes);

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

function fits(column: ScalarColumn, value: RowPosition['value']): boolean {
  if ((textColumns as readonly string[]).includes(column)) return typeof value === 'string';
  if ((flagColumns as readonly string[]).includes(column)) return typeof value === 'boolean';
  if ((numberColumns as readonly string[]).includes(column)) return typeof value === 'number';
  return typeof value === 'number' && z.int32().safeParse(value).success;
}
