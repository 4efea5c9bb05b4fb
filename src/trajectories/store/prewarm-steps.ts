import { Problem } from '../../errors.js';
import type { Table } from '../../lance/index.js';
import { recordIds } from '../query/record-ids.js';
import type { KeptValues } from '../query/rows/kept-values.js';
import type { ListQuery } from '../query/trajectory-repository.js';
import { indexSteps, type PrewarmStep } from './prewarm.js';
import type { UnaskedPages } from './unasked-pages.js';

/**
 * Lets the service ask itself for an address, `after` it can. `ask` never throws.
 * @source product contract, Optimisations (`index_prewarm`)
 */
export interface Rehearsal {
  after: Promise<unknown>;
  ask(url: string): Promise<void>;
}

/**
 * Both tables, the small columns that pages do without once they are kept, and pages as requests read them.
 * @source product contract, Optimisations (`index_prewarm`)
 */
export interface LoadedTables {
  trajectories: Table;
  analysis: Table;
  kept: Pick<KeptValues, 'fill'>;
  pages: UnaskedPages;
  rehearsal?: Rehearsal | undefined;
}

/** Columns that lists are sorted by as a rule; the others are read when somebody asks for them. */
const sortedColumns = ['created_at', 'reward', 'step_count', 'exec_time', 'trajectory_id', 'data_id'] as const;

/**
 * What the first queries need: each index, the small columns of all rows, the first page in each of the usual orders
 * with its analysis, a record, and at last a page the way a client gets it. The pages come through the caches that
 * requests find, so what is loaded is what is used.
 * @source product contract, Optimisations (`index_prewarm`: "indexes loaded and columns touched at start")
 */
export async function prewarmSteps(loaded: LoadedTables): Promise<PrewarmStep[]> {
  const { trajectories, analysis, kept, pages, rehearsal } = loaded;
  const steps = [...(await indexSteps('trajectories', trajectories)), ...(await indexSteps('analysis', analysis))];
  if ((await trajectories.countRows()) === 0) return steps;
  steps.push({ name: 'trajectories: small columns of all rows', run: kept.fill });
  for (const sortBy of sortedColumns)
    steps.push({ name: `trajectories: page by ${sortBy}`, run: () => pages.list(firstPage(sortBy)) });
  steps.push({ name: 'trajectories: record by id', run: () => readNewest(pages) });
  if (rehearsal) {
    const { after, ask } = rehearsal;
    steps.push({ name: 'trajectories: page over HTTP', after, run: () => ask(pageAddress) });
  }
  return steps;
}

const pageAddress = '/api/trajectories?page=1&pageSize=20&sort_by=created_at&sort_order=desc';

const firstPage = (sortBy: ListQuery['sortBy']): ListQuery => ({
  filter: [],
  sortBy,
  order: 'desc',
  page: 1,
  pageSize: 20,
});

async function readNewest(pages: UnaskedPages): Promise<void> {
  const { rows } = await pages.list(firstPage('created_at'));
  if (!rows[0]) return;
  await pages.get(recordIds(rows[0]).trajectoryId).catch((error: unknown) => {
    // Somebody has deleted it meanwhile.
    if (!(error instanceof Problem)) throw error;
  });
}
