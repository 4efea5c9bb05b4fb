import type { Table } from '../../lance/index.js';
import type { Optimization } from '../../optimization.js';
import { createAnalysisLookup } from '../analysis/analysis-lookup.js';
import { createRowIdCache } from '../query/order/row-id-cache.js';
import type { KeptValues } from '../query/rows/kept-values.js';
import { createTrajectoryReader } from '../query/trajectory-reader.js';
import { createTrajectoryRepository } from '../query/trajectory-repository.js';
import { indexSteps, type PrewarmStep } from './prewarm.js';

/** Columns that lists are sorted by as a rule; the others are read when somebody asks for them. */
const sortedColumns = ['created_at', 'reward', 'step_count', 'exec_time', 'trajectory_id', 'data_id'] as const;

const always: Optimization<unknown> = {
  enabled: true,
  settings: {},
  failed(error) {
    throw error;
  },
};

/**
 * What the first queries need: each index, the columns of a whole page with its analysis, those that pages are sorted
 * by, and the small columns that pages then do without reading.
 * @source product contract, Optimisations (`index_prewarm`: "indexes loaded and columns touched at start")
 */
export async function prewarmSteps(
  trajectories: Table,
  analysis: Table,
  kept: Pick<KeptValues, 'fill'>,
): Promise<PrewarmStep[]> {
  const steps = [...(await indexSteps('trajectories', trajectories)), ...(await indexSteps('analysis', analysis))];
  if ((await trajectories.countRows()) === 0) return steps;
  // A way of its own keeps what it touches out of the caches and the figures of requests.
  const reader = createTrajectoryReader({ table: trajectories, rowIds: createRowIdCache(() => 0) });
  const analysisLookup = createAnalysisLookup(analysis);
  const repository = createTrajectoryRepository({
    reader,
    baselineReader: reader,
    nativeQuery: always,
    analysisLookup,
    baselineAnalysisLookup: analysisLookup,
    analysisByIds: always,
    onEvent() {},
  });
  for (const sortBy of sortedColumns) {
    const page = { filter: [], sortBy, order: 'desc', page: 1, pageSize: 20 } as const;
    steps.push({ name: `trajectories: page by ${sortBy}`, run: () => repository.list(page) });
  }
  steps.push({ name: 'trajectories: small columns of all rows', run: kept.fill });
  const byId = () => reader.get('', ['record_json']);
  steps.push({ name: 'trajectories: record by id', run: byId });
  return steps;
}
