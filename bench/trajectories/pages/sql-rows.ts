import type { Statistics } from '../../../src/trajectories/analysis/statistics.js';
import { rowText } from '../../../src/trajectories/query/row-text.js';
import type { TrajectoryRow as ReadRow } from '../../../src/trajectories/query/trajectory-columns.js';
import type { TrajectoryCondition, TrajectoryFilter } from '../../../src/trajectories/query/trajectory-filter.js';

/** What the stores that speak SQL are asked, and how their rows become the text that a client would get. */

/** The columns of a record, as the product stores them. @source product contract, Trajectories ("Record") */
export const columns =
  'trajectory_id data_id agent_name training_id question ground_truth termination_reason source import_id reward toolcall_reward res_reward exec_time epoch_id iteration_id sample_id step_count is_bookmarked is_success tags notes created_at updated_at seq record_json'.split(
    ' ',
  );

/** A row as a database hands it over. @source SQL */
export type Values = Record<string, unknown>;

/** Whole rows with their analysis; conditions follow. @source product contract, Trajectories ("each row") */
export const readSql = `SELECT record_json, tags, notes, is_bookmarked, updated_at, data_id, step_count, t.is_success AS is_success,
  category, root_cause FROM trajectories AS t LEFT JOIN analysis AS a ON a.trajectory_id = t.trajectory_id`;

/** Counts rows; conditions follow. @source product contract, Trajectories ("total is exact for every filter") */
export const countSql = 'SELECT count(*) AS total FROM trajectories AS t';

/** The sums that all statistics are made of. @source product contract, Trajectories ("/api/analysis/stats") */
export const statisticsSql = `SELECT count(*) AS questions, sum(n) AS total, sum(c) AS successes, avg(c * 1.0 / n) AS pass_at_1,
  avg(CASE WHEN c > 0 THEN 1.0 ELSE 0.0 END) AS pass_at_k, sum(reward) AS reward, sum(seconds) AS seconds FROM (SELECT count(*) AS n,
  sum(CASE WHEN is_success THEN 1 ELSE 0 END) AS c, sum(reward) AS reward, sum(exec_time) AS seconds FROM trajectories GROUP BY data_id) AS q`;

/** @param sums the row of {@link statisticsSql} @source product contract, Trajectories ("/api/analysis/stats") */
export function statisticsOfSums(sums: Values): Statistics {
  const of = (name: string) => Number(sums[name] ?? 0);
  const [total, successes] = [of('total'), of('successes')];
  return {
    total_count: total,
    success_count: successes,
    failure_count: total - successes,
    question_count: of('questions'),
    pass_at_1: of('pass_at_1'),
    pass_at_k: of('pass_at_k'),
    k: null,
    avg_reward: of('reward') / total,
    avg_exec_time: of('seconds') / total,
  };
}

/** A row of {@link readSql} as JSON text. @source product contract, Trajectories ("each row") */
export function textOf(row: Values): Buffer {
  const read = {
    ...row,
    record_json: Buffer.from(row.record_json as ArrayBuffer),
    tags: JSON.parse(row.tags as string),
    is_bookmarked: Boolean(row.is_bookmarked),
    is_success: Boolean(row.is_success),
  } as ReadRow;
  return rowText(read, { category: String(row.category ?? ''), rootCause: String(row.root_cause ?? '') });
}

/**
 * The conditions of a filter.
 * @param rangesByIndex without it ranges are told to leave the index to the other columns: the planner takes every range for
 * a narrow one
 * @source SQLite documentation, "Query Planning"
 */
export function whereOf(filter: TrajectoryFilter, rangesByIndex: boolean): { sql: string; values: unknown[] } {
  if (filter.length === 0) return { sql: '', values: [] };
  const clauses = filter.map((condition) => clauseOf(condition, rangesByIndex));
  return {
    sql: `WHERE ${clauses.map(({ sql }) => sql).join(' AND ')}`,
    values: clauses.flatMap(({ values }) => values),
  };
}

/** The conditions that the bench asks for. */
function clauseOf(condition: TrajectoryCondition, rangesByIndex: boolean): { sql: string; values: unknown[] } {
  switch (condition.test) {
    case 'matches':
      return { sql: `t.${condition.column} = ?`, values: [condition.text] };
    case 'is':
      return { sql: `t.${condition.column} = ?`, values: [Number(condition.value)] };
    case 'between': {
      const { min = -Infinity, max = Infinity } = condition;
      return { sql: `${rangesByIndex ? '' : '+'}t.${condition.column} BETWEEN ? AND ?`, values: [min, max] };
    }
    default:
      throw new Error(`the bench asks for no "${condition.test}"`);
  }
}
