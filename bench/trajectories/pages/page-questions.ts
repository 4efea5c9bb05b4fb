import type { TrajectoryFilter } from '../../../src/trajectories/query/trajectory-filter.js';
import type { ListQuery } from '../../../src/trajectories/query/trajectory-repository.js';
import { agentNames } from '../../makers/trajectory-maker.js';
import type { Contestant } from './contestant.js';

/** p50 and p95 asked for, in milliseconds. @source product contract, promise 7 */
export type AskedTimes = readonly [p50: number, p95: number];

/**
 * A question, a little different each time it is asked, so that no answer of before can serve.
 * @source product contract, Trajectories (`GET /api/trajectories`)
 */
export interface PageQuestion {
  name: string;
  /** By number of records; a question without is told, not judged. */
  asked: Readonly<Record<number, AskedTimes>>;
  /** Before each asking, the orders that were worked out before are forgotten, as they are after a write. */
  isCold?: true;
  /** @param turn counts the askings; all contestants are asked the same in the same turn */
  ask(contestant: Contestant, turn: number): Promise<unknown>;
}

const agent = (turn: number) => agentNames[turn % agentNames.length] as string;
const agentIs = (turn: number) => ({ test: 'matches', column: 'agent_name', text: agent(turn) }) as const;
const rewardFrom = (min: number) => ({ test: 'between', column: 'reward', min }) as const;

const query = (given: Partial<ListQuery>): ListQuery => ({
  filter: [],
  sortBy: 'created_at',
  order: 'desc',
  page: 1,
  pageSize: 20,
  ...given,
});

const sizes = (small: AskedTimes, middle: AskedTimes, large: AskedTimes) => ({
  10000: small,
  100000: middle,
  1000000: large,
});
/** Where only a p50 is asked for. */
const open = Infinity;

const parsed = (text: Buffer): unknown => JSON.parse(text.toString());

/**
 * The questions of the table. Orders of whole columns are known when a question is not cold, filters are new in
 * each turn unless they name one of the four agents.
 * @param ids of the records that are stored
 * @source trajectory-optimization 2; product contract, Trajectories ("filters")
 */
export function pageQuestions(ids: readonly string[]): PageQuestion[] {
  const dataId = (turn: number) => (ids[(turn * 7919) % ids.length] as string).split('-')[0] as string;
  const deepPage = (turn: number) => Math.floor((ids.length * 0.9) / 20) + (turn % 20);
  const exact = (filter: TrajectoryFilter, given: Partial<ListQuery> = {}) => query({ filter, ...given });
  const page = (make: (turn: number) => ListQuery) => async (contestant: Contestant, turn: number) =>
    contestant.page(make(turn));
  const plainPage = sizes([3, 6], [4, 8], [6, 12]);
  const sortedPage = sizes([6, 10], [8, 15], [25, 40]);
  return [
    { name: 'newest first', asked: plainPage, ask: page((turn) => query({ page: 1 + (turn % 50) })) },
    { name: 'newest first, after a change', asked: plainPage, isCold: true, ask: page(() => query({})) },
    {
      name: 'filter: data_id',
      asked: plainPage,
      ask: page((turn) => exact([{ test: 'matches', column: 'data_id', text: dataId(turn) }])),
    },
    {
      name: 'filter: agent',
      asked: plainPage,
      ask: page((turn) => exact([agentIs(turn)], { page: 1 + (turn % 40) })),
    },
    {
      name: 'filter: reward, a new bound each time',
      asked: plainPage,
      ask: page((turn) => exact([rewardFrom(0.3 + (turn % 1000) / 1000)])),
    },
    {
      name: 'sorted',
      asked: sortedPage,
      ask: page((turn) => query({ sortBy: 'reward', order: turn % 2 === 0 ? 'desc' : 'asc', page: 1 + (turn % 50) })),
    },
    {
      name: 'sorted, after a change',
      asked: sortedPage,
      isCold: true,
      ask: page((turn) => query({ sortBy: 'reward', order: turn % 2 === 0 ? 'desc' : 'asc' })),
    },
    {
      name: 'filter + sort',
      asked: sizes([8, 12], [13, 20], [85, 120]),
      ask: page((turn) => exact([agentIs(turn), rewardFrom((turn % 1000) / 1000)], { sortBy: 'exec_time' })),
    },
    {
      name: 'filter + sort, after a change',
      asked: sizes([8, 12], [13, 20], [85, 120]),
      isCold: true,
      ask: page((turn) => exact([agentIs(turn), rewardFrom((turn % 1000) / 1000)], { sortBy: 'exec_time' })),
    },
    {
      name: 'deep page (90 %), sorted',
      asked: sizes([5, open], [8, open], [10, open]),
      ask: page((turn) => query({ sortBy: 'step_count', order: 'asc', page: deepPage(turn) })),
    },
    {
      name: 'deep page (90 %), sorted, after a change',
      asked: sizes([15, open], [60, open], [500, open]),
      isCold: true,
      ask: page((turn) => query({ sortBy: 'step_count', order: 'asc', page: deepPage(turn) })),
    },
    {
      name: 'filtered count',
      asked: sizes([1, open], [1.5, open], [5, open]),
      ask: (contestant, turn) => contestant.count([agentIs(turn), { test: 'is', column: 'is_success', value: true }]),
    },
    {
      name: 'by id',
      asked: sizes([3, 5], [3, 5], [4, 8]),
      ask: (contestant, turn) => contestant.get(ids[(turn * 37) % ids.length] as string),
    },
  ];
}

/**
 * An answer in a form that can be compared.
 * @source product contract, promise 7
 */
export const comparable = (answer: unknown): unknown => (Buffer.isBuffer(answer) ? parsed(answer) : answer);
