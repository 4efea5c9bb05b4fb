import { agentNames } from '../makers/trajectory-maker.js';

/**
 * A question to the list, a little different each time it is asked, so that no answer of before can serve.
 * @source product contract, Trajectories (`GET /api/trajectories`)
 */
export interface ListQuery {
  name: string;
  /** @param turn counts the askings; both variants get the same address in the same turn */
  address(turn: number): string;
}

const list = (parameters: Record<string, string>) => `/api/trajectories?${new URLSearchParams(parameters)}`;

const agent = (turn: number) => agentNames[turn % agentNames.length] as string;

/**
 * The questions of the bench.
 * @param ids of the records that are stored
 * @source trajectory-optimization 2; product contract, Trajectories ("filters")
 */
export function listQueries(ids: readonly string[]): ListQuery[] {
  const lastPages = Math.floor((ids.length * 0.9) / 20);
  return [
    { name: 'first page', address: () => list({ page: '1', pageSize: '20' }) },
    { name: 'filtered by agent', address: (turn) => list({ agent_name: agent(turn) }) },
    {
      name: 'filtered by reward and ending',
      address: (turn) => list({ reward_min: String(0.5 + (turn % 50) / 100), termination_reason: 'success,timeout' }),
    },
    { name: 'question contains', address: (turn) => list({ question: `第 ${turn % 100} 题` }) },
    {
      name: 'sorted',
      address: (turn) => list({ sort_by: 'reward', sort_order: turn % 2 === 0 ? 'desc' : 'asc' }),
    },
    {
      name: 'filter + sort',
      address: (turn) => list({ agent_name: agent(turn), sort_by: 'exec_time', sort_order: 'desc' }),
    },
    {
      name: 'deep page, sorted',
      address: (turn) => list({ page: String(lastPages + (turn % 20)), sort_by: 'step_count', sort_order: 'asc' }),
    },
    {
      name: 'by id',
      address: (turn) => `/api/trajectories/${encodeURIComponent(ids[(turn * 37) % ids.length] as string)}`,
    },
  ];
}
