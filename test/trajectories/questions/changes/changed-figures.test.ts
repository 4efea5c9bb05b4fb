import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compactTable, mergeFragments, type Table, tableLayout } from '../../../../src/lance/index.js';
import {
  computeFailureFigures,
  distributionOf,
} from '../../../../src/trajectories/analysis/failures/failure-figures.js';
import { statisticsOf } from '../../../../src/trajectories/analysis/statistics.js';
import { createFigures } from '../../../../src/trajectories/questions/figures.js';
import { computeQuestionFigures } from '../../../../src/trajectories/questions/question-figures.js';
import { analysisSchema, trajectorySchema } from '../../../../src/trajectories/trajectory-schema.js';
import { makeRow, openTables } from '../../stored-rows.js';
import { byQuestion } from './by-question.js';

async function figuresOf(table: Table, open: () => Promise<Table>, analysis: Table, openAnalysis = open) {
  const read: number[] = [];
  const failures: unknown[] = [];
  const figures = createFigures({
    trajectories: table,
    analysis,
    openTrajectories: open,
    openAnalysis,
    onFailed: (error) => failures.push(error),
    onComputed: ({ rows }) => read.push(rows),
  });
  return { figures, read, failures };
}

/** Analysis rows of some trajectories, and of some that are not there. */
async function judge(analysis: Table, from: number, count: number): Promise<void> {
  if (from % 3 === 0) await analysis.delete(`updated_at = ${from % 5}`);
  const rows = Array.from({ length: (count % 5) + 1 }, (_, i) => ({
    trajectory_id: `t-${String(from + i * 7).padStart(5, '0')}`,
    is_success: (from + i) % 4 === 0,
    category: ['检索', '', 'tool'][i % 3]!,
    root_cause: `cause ${(from + i) % 4}`,
    suggestion: '',
    updated_at: from % 5,
  }));
  await analysis.mergeInsert('trajectory_id').whenMatchedUpdateAll().whenNotMatchedInsertAll().execute(rows);
}

type Change = { kind: 'add' | 'update' | 'delete' | 'compact' | 'merge'; from: number; count: number };
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('add' as const, 'update' as const, 'delete' as const),
    from: fc.nat(400),
    count: fc.integer({ min: 1, max: 90 }),
  }),
  fc.record({
    kind: fc.constantFrom('compact' as const, 'merge' as const),
    from: fc.constant(0),
    count: fc.constant(0),
  }),
);

test('figures made from changes equal those made from the whole table', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
      // Halves and quarters add up exactly, in whatever order.
      const made = (i: number) => makeRow(i, { data_id: `q${(i * 7) % 60}`, exec_time: i % 9, reward: (i % 8) / 4 });
      let seq = 300;
      const { table, database, analysis } = await openTables(Array.from({ length: 300 }, (_, i) => made(i)));
      const { figures, failures } = await figuresOf(
        table,
        () => database.openTable('trajectories', trajectorySchema),
        analysis,
        () => database.openTable('analysis', analysisSchema),
      );
      for (const one of changes) {
        if (one.kind === 'add') {
          await table.add(Array.from({ length: one.count }, () => made(seq++)));
        } else if (one.kind === 'compact') await compactTable(table);
        else if (one.kind === 'merge') {
          const newest = (await tableLayout(table)).at(-1);
          if (newest) await mergeFragments(table, newest.fragment, 'updated_at');
        } else {
          const where = `seq >= ${one.from} AND seq < ${one.from + one.count}`;
          if (one.kind === 'delete') await table.delete(where);
          else await table.update({ where, values: { is_success: one.from % 2 === 0, reward: 0.25 } });
        }
        const [changed, whole] = [await figures.questions(), await computeQuestionFigures(table)];
        expect(byQuestion(changed)).toEqual(byQuestion(whole));
        expect(statisticsOf(changed, 2)).toEqual(statisticsOf(whole, 2));
        await judge(analysis, one.from, one.count);
        const [failed, counted] = [await figures.failures(), await computeFailureFigures(table, analysis)];
        expect(distributionOf(failed, 100)).toEqual(distributionOf(counted, 100));
      }
      expect(failures).toEqual([]);
      await figures.close();
      database.close();
    }),
    { numRuns: 12, seed: 20260101 },
  );
}, 60_000);

test('after a small change only the changed rows are read, however many there are', async () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => makeRow(i, { data_id: `q${i % 2000}`, record_json: '{}' }));
  const { table, database, analysis } = await openTables(rows);
  const { figures, read } = await figuresOf(
    table,
    () => database.openTable('trajectories', trajectorySchema),
    analysis,
  );
  await figures.questions();
  await table.update({ where: 'seq = 10000', values: { is_success: true } });
  await figures.questions();
  await table.delete('seq = 19999');
  await figures.questions();
  await table.add([makeRow(50_000)]);
  const { total } = await figures.questions();
  expect([read, total]).toEqual([[20_000, 1, 0, 1], 20_000]);
  await figures.close();
});

test('figures handed out stay as they were when the data changes', async () => {
  const { table, database, analysis } = await openTables([makeRow(1), makeRow(2)]);
  const { figures } = await figuresOf(table, () => database.openTable('trajectories', trajectorySchema), analysis);
  const before = await figures.questions();
  const seen = byQuestion(before);
  await table.delete('seq = 2');
  await table.add([makeRow(3), makeRow(4)]);
  expect(statisticsOf(await figures.questions(), undefined)).toMatchObject({ total_count: 3, question_count: 3 });
  expect(byQuestion(before)).toEqual(seen);
  await figures.close();
});

test('when changes cannot be followed the whole table is read', async () => {
  const { table, analysis } = await openTables([makeRow(1), makeRow(2)].map((row) => ({ ...row, is_success: false })));
  const broken = () => Promise.reject(new Error('no more handles'));
  const { figures, failures } = await figuresOf(table, broken, analysis);
  expect((await figures.questions()).total).toBe(2);
  expect((await figures.failures()).total).toBe(2);
  expect(failures).toHaveLength(2);
});
