import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rowIdsOf } from '../../../../src/trajectories/query/arrow-rows.js';
import { isPlain, passing } from '../../../../src/trajectories/query/order/plain-filter.js';
import { filterSql, type TrajectoryFilter } from '../../../../src/trajectories/query/trajectory-filter.js';
import { hostileText } from '../../../support/hostile-text.js';
import { makeRow, openTables } from '../../stored-rows.js';

const texts = fc.sample(hostileText, { numRuns: 40, seed: 5 });
const numbers = [0, -0, 0.25, -0.5, 5e-324, 1e300, -1e300, 1 / 3, 2 ** 53];
const rows = Array.from({ length: 300 }, (_, i) =>
  makeRow(i, { agent_name: texts[i % 40] ?? '', reward: i % 3 === 0 ? numbers[(i / 3) % 9]! : (i % 7) / 4 - 0.5 }),
);
const bound = fc.option(fc.constantFrom(...numbers, 2.5, -7), { nil: undefined });
const bounds = (column: object) =>
  fc
    .tuple(bound, bound)
    .map(([min, max]) => ({ ...column, ...(min !== undefined && { min }), ...(max !== undefined && { max }) }));
const condition = fc.oneof(
  bounds({ test: 'between', column: 'reward' }),
  bounds({ test: 'between_whole', column: 'step_count' }),
  fc.boolean().map((value) => ({ test: 'is', column: 'is_success', value })),
  fc.constantFrom(...texts).map((text) => ({ test: 'matches', column: 'agent_name', text })),
  fc.subarray(texts, { minLength: 1 }).map((list) => ({ test: 'one_of', column: 'agent_name', texts: list })),
);
const filters = fc.array(condition, { minLength: 1, maxLength: 3 }) as unknown as fc.Arbitrary<TrajectoryFilter>;

test('the same rows pass as in the database', async () => {
  const { table } = await openTables(rows, 3);
  const ids = rowIdsOf(await table.query().select(['seq']).withRowId().toArrow());
  await fc.assert(
    fc.asyncProperty(filters, fc.subarray(Array.from(ids), { minLength: 1 }), async (filter, some) => {
      const plain = filter.filter((one) => isPlain([one]));
      fc.pre(plain.length > 0 && isPlain(plain));
      const among = BigUint64Array.from(some.toReversed());
      const where = [filterSql(plain), `_rowid IN (${some.join(', ')})`].filter((part) => part !== undefined);
      const found = await table.query().where(where.join(' AND ')).select([]).withRowId().toArrow();
      expect(await passing(table, plain as never, among)).toEqual(rowIdsOf(found).slice().sort());
    }),
    { numRuns: 120, seed: 3 },
  );
});

test('what only the database can tell is left to it', () => {
  const refused: TrajectoryFilter[number][] = [
    { test: 'matches', column: 'agent_name', text: 'a*' },
    { test: 'contains', columns: ['question'], text: 'x' },
    { test: 'has_all', column: 'tags', texts: ['x'] },
    { test: 'matches', column: 'agent_name', text: '\ud800' },
    { test: 'one_of', column: 'agent_name', texts: ['fine', '\udc00'] },
  ];
  expect(refused.map((one) => isPlain([one]))).toEqual(refused.map(() => false));
  expect(isPlain([{ test: 'matches', column: 'agent_name', text: '😀' }])).toBe(true);
});
