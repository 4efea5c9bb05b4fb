import { z } from 'zod';
import { cursorInvalid } from './errors.js';
import { addressSum, decodeCursor } from './query/list-cursor.js';
import type { TextColumn } from './query/trajectory-columns.js';
import { columnOfField, sortableFields } from './query/trajectory-columns.js';
import { filterLimits, hasFewWildcards, type TrajectoryCondition } from './query/trajectory-filter.js';
import type { ListQuery } from './query/trajectory-repository.js';

const { textLength: maxTextLength, wildcards: maxWildcards, texts: maxItems } = filterLimits;
const maxPage = 1e9;
const maxPageSize = 1000;
const defaultPageSize = 20;
const maxCursorLength = 16_384;

const text = z.string().max(maxTextLength, `expected at most ${maxTextLength} characters`);
const pattern = text.refine(hasFewWildcards, `expected at most ${maxWildcards} wildcards`);
/** Digits alone: no `0x10`, no `1e2`, not nothing. @source product contract, Trajectories (parameters) */
export const wholeNumber = z
  .string()
  .regex(/^-?\d{1,15}$/, 'expected a whole number')
  .transform(Number);
const number = z
  .string()
  .regex(/^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i, 'expected a number')
  .max(400, 'expected a shorter number')
  .transform(Number)
  .refine(Number.isFinite, 'expected a number in the range of a double');
const truth = z.enum(['true', 'false', '1', '0'], 'expected true or false').transform((v) => v === 'true' || v === '1');
const items = (value: string | string[]) =>
  [value]
    .flat()
    .flatMap((part) => part.split(',').map((item) => item.trim()))
    .filter((item) => item !== '');
const fewItems = z.array(z.string()).max(maxItems, `expected at most ${maxItems} items`);
const order = z.enum(['asc', 'desc'], 'expected asc or desc');
const sortField = z.enum(sortableFields, `expected one of ${sortableFields.join(', ')}`);

/**
 * Query parameters of the list that choose rows; names and spelling are the seed's.
 * @source product contract, Trajectories ("filters"); trajectory-optimization 2.2-A
 */
export const filterParameters = {
  trajectory_id: pattern.optional().describe('exact, or with * for any run of characters'),
  data_id: pattern.optional().describe('exact, or with *'),
  agent_name: pattern.optional().describe('exact, or with *'),
  training_id: pattern.optional().describe('exact, or with *'),
  question: text.optional().describe('the question contains this, letter case aside'),
  search: text.optional().describe('trajectory_id or data_id contains this, letter case aside'),
  termination_reason: text.transform(items).pipe(fewItems).optional().describe('one of these, separated by commas'),
  tags: z
    .union([text, z.array(text)])
    .transform(items)
    .pipe(fewItems)
    .optional()
    .describe('has all of these'),
  reward_min: number.optional(),
  reward_max: number.optional(),
  reward_exact: number.optional(),
  toolcall_reward_min: number.optional(),
  toolcall_reward_max: number.optional(),
  toolcall_reward_exact: number.optional(),
  res_reward_min: number.optional(),
  res_reward_max: number.optional(),
  res_reward_exact: number.optional(),
  step_count_min: number.optional(),
  step_count_max: number.optional(),
  exec_time_min: number.optional(),
  exec_time_max: number.optional(),
  epoch_id: wholeNumber.optional(),
  iteration_id: wholeNumber.optional(),
  sample_id: wholeNumber.optional(),
  is_bookmarked: truth.optional(),
  is_success: truth.optional(),
};

/** Query parameters that choose the order. @source product contract, Trajectories (`sort_by` or `sortBy`) */
export const sortParameters = {
  sort_by: sortField.optional().describe('default created_at, newest first'),
  sortBy: sortField.optional().describe('the same as sort_by'),
  sort_order: order.optional().describe('default desc'),
  sortOrder: order.optional().describe('the same as sort_order'),
};

/** The query parameter that chooses fields. @source product contract, Trajectories ("`fields=` narrows") */
export const fieldsParameter = {
  fields: text.transform(items).pipe(fewItems).optional().describe('only these fields, separated by commas'),
};

/** For `refine`: one spelling of the sort field. @source product contract, Trajectories (`sort_by` or `sortBy`) */
export const oneSortField = [
  (given: { sort_by?: unknown; sortBy?: unknown }) => given.sort_by === undefined || given.sortBy === undefined,
  { path: ['sortBy'], message: 'expected either sort_by or sortBy' },
] as const satisfies [unknown, { path: string[]; message: string }];

/** For `refine`: one spelling of the sort order. @source product contract, Trajectories (`sort_by` or `sortBy`) */
export const oneSortOrder = [
  (given: { sort_order?: unknown; sortOrder?: unknown }) =>
    given.sort_order === undefined || given.sortOrder === undefined,
  { path: ['sortOrder'], message: 'expected either sort_order or sortOrder' },
] as const satisfies [unknown, { path: string[]; message: string }];

/**
 * All query parameters of the list. Anything else, and anything given twice (`tags` excepted), is refused.
 * @source product contract, Trajectories ("GET /api/trajectories")
 */
export const listParametersSchema = z
  .strictObject({
    page: wholeNumber
      .pipe(z.number().min(1, 'expected 1 or more').max(maxPage, `expected ${maxPage} or less`))
      .optional()
      .describe('from 1, which is the default'),
    pageSize: wholeNumber
      .pipe(z.number().min(1, 'expected 1 or more').max(maxPageSize, `expected ${maxPageSize} or less`))
      .default(defaultPageSize),
    ...filterParameters,
    ...sortParameters,
    ...fieldsParameter,
    cursor: z
      .string()
      .max(maxCursorLength, `expected at most ${maxCursorLength} characters`)
      .optional()
      .describe('walks through all rows: empty to start, then the next_cursor of the answer before; not with page'),
    explain: truth.optional().describe('true adds how the list was read'),
  })
  .refine(...oneSortField)
  .refine(...oneSortOrder)
  .refine((given) => given.cursor === undefined || given.page === undefined, {
    path: ['page'],
    message: 'expected either page or cursor',
  });

/** The parameters after validation. @source product contract, Trajectories ("GET /api/trajectories") */
export type ListParameters = z.output<typeof listParametersSchema>;
type FilterParameters = Pick<ListParameters, keyof typeof filterParameters>;

/**
 * The filter that the parameters ask for, its conditions always in the same order.
 * @source product contract, Trajectories ("filters")
 */
export function filterOf(given: FilterParameters): TrajectoryCondition[] {
  const conditions: TrajectoryCondition[] = [];
  for (const column of ['trajectory_id', 'data_id', 'agent_name', 'training_id'] as const) {
    const value = given[column];
    if (value !== undefined) conditions.push({ test: 'matches', column, text: value });
  }
  addContains(conditions, ['question'], given.question);
  addContains(conditions, ['trajectory_id', 'data_id'], given.search);
  if (given.termination_reason) {
    const texts = given.termination_reason.length === 0 ? [''] : given.termination_reason;
    conditions.push({ test: 'one_of', column: 'termination_reason', texts: distinct(texts) });
  }
  for (const column of ['reward', 'toolcall_reward', 'res_reward'] as const) {
    const exact = given[`${column}_exact`];
    const bounds = range(exact ?? given[`${column}_min`], exact ?? given[`${column}_max`]);
    if (bounds) conditions.push({ test: 'between', column, ...bounds });
  }
  const seconds = range(given.exec_time_min, given.exec_time_max);
  if (seconds) conditions.push({ test: 'between', column: 'exec_time', ...seconds });
  const steps = range(given.step_count_min, given.step_count_max);
  if (steps) conditions.push({ test: 'between_whole', column: 'step_count', ...steps });
  for (const column of ['epoch_id', 'iteration_id', 'sample_id'] as const) {
    const bounds = range(given[column], given[column]);
    if (bounds) conditions.push({ test: 'between_whole', column, ...bounds });
  }
  for (const column of ['is_bookmarked', 'is_success'] as const) {
    const value = given[column];
    if (value !== undefined) conditions.push({ test: 'is', column, value });
  }
  if (given.tags && given.tags.length > 0) {
    conditions.push({ test: 'has_all', column: 'tags', texts: distinct(given.tags) });
  }
  return conditions;
}

/** In one order, so that equal filters are written equally. */
const distinct = (texts: readonly string[]) => [...new Set(texts)].sort();

function addContains(conditions: TrajectoryCondition[], columns: TextColumn[], value: string | undefined): void {
  if (value !== undefined && value !== '') conditions.push({ test: 'contains', columns, text: value });
}

function range(min: number | undefined, max: number | undefined): { min?: number; max?: number } | undefined {
  if (min === undefined && max === undefined) return undefined;
  return { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
}

/**
 * The page, or the next part of a walk, that the parameters ask for.
 * @param at what the address itself chooses rows by, if it does
 * @throws Problem CURSOR_INVALID, also when the parameters ask for other rows than the cursor does
 * @source product contract, Settled details ("default newest first", "`?cursor=`")
 */
export function listQueryOf(given: ListParameters, at?: string): ListQuery {
  const { fields, cursor, page = 1, pageSize } = given;
  const asked = askedOrder(given);
  const part = { page, pageSize, ...(fields && fields.length > 0 ? { fields: [...new Set(fields)] } : {}) };
  if (cursor === undefined) return { ...asked, ...part };
  const ofAddress = at === undefined ? {} : { at: addressSum(at) };
  if (cursor === '') return { ...asked, ...part, walk: ofAddress };
  const { after, at: givenAt, ...place } = decodeCursor(cursor);
  if (givenAt !== ofAddress.at) throw cursorInvalid('expected a next_cursor of an answer from this address');
  if (namesRows(given) && JSON.stringify(asked) !== JSON.stringify(place)) {
    throw cursorInvalid('expected the filters and the order that the walk was started with, or none');
  }
  return { ...place, ...part, walk: { after, ...ofAddress } };
}

function askedOrder(given: ListParameters): Pick<ListQuery, 'filter' | 'sortBy' | 'order'> {
  return {
    filter: filterOf(given),
    sortBy: columnOfField.get(given.sort_by ?? given.sortBy ?? 'created_at') ?? 'created_at',
    order: given.sort_order ?? given.sortOrder ?? 'desc',
  };
}

/** Whether any parameter chooses rows or their order. */
function namesRows(given: ListParameters): boolean {
  const names = [...Object.keys(filterParameters), ...Object.keys(sortParameters)];
  return names.some((name) => given[name as keyof ListParameters] !== undefined);
}
