import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { InBackground } from '../scheduler/index.js';
import { analysisRoutes } from './analysis/analysis-routes.js';
import { exportRoutes } from './export/export-routes.js';
import { createImportLull } from './import/import-lull.js';
import { importRoutes } from './import/import-routes.js';
import { type Imports, type ImportsOptions, openImports } from './import/imports.js';
import { openTrajectories, type Trajectories, type TrajectoriesOptions } from './open-trajectories.js';
import { questionRoutes } from './questions/question-routes.js';
import { recordRoutes } from './records/record-routes.js';
import { openTrajectorySearch, type TrajectorySearch, type TrajectorySearchOptions } from './search/open-search.js';
import { searchRoutes } from './search/search-routes.js';
import type { PrewarmStep } from './store/prewarm.js';
import { trajectoryRoutes } from './trajectory-routes.js';

/** Where each kind of heavy work waits for its turn. @source product contract, Optimisations (`scheduler`) */
export interface LibraryBackground {
  imports: InBackground;
  prewarm: InBackground;
  vectors: InBackground;
}

/** Whom the table, the search over it, and the imports into it tell what happens. @source story-17.4 AC5 */
export interface LibraryObservers {
  observeTrajectories: TrajectoriesOptions['onEvent'];
  observeSearch: TrajectorySearchOptions['onEvent'];
  observeImports: ImportsOptions['onEvent'];
}

/**
 * Where everything is, the flags, and whom to tell.
 * @source product contract, Trajectories
 */
export interface LibraryOptions
  extends Omit<TrajectoriesOptions, 'onEvent' | 'inBackground' | 'whenQuiet' | 'overriding'>,
    Pick<ImportsOptions, 'dataDir' | 'importDirs' | 'batchImport' | 'bulkDuplicateCheck'>,
    Pick<TrajectorySearchOptions, 'embedder'> {
  background: LibraryBackground;
  observers: LibraryObservers;
}

/**
 * All that is about trajectories: the table, the search over it, and the imports into it, each told of what the others
 * change.
 * @source product contract, Trajectories; trajectory-optimization 1 and 2
 */
export interface TrajectoryLibrary {
  trajectories: Trajectories;
  search: TrajectorySearch;
  imports: Imports;
  routes: FastifyPluginAsyncZod[];
  /** Ends everything but the imports, which are closed first. */
  close(): Promise<void>;
}

/** Writes to one record that may change what a search finds. */
const textOperations: ReadonlySet<string> = new Set(['create', 'replace', 'delete']);

/**
 * Opens the table, then the search, then goes on with unfinished imports.
 * @throws Error when a folder or a table cannot be used
 * @source product contract, Trajectories
 */
export async function openTrajectoryLibrary(options: LibraryOptions): Promise<TrajectoryLibrary> {
  const { observers, background, moreToPrewarm } = options;
  let onSearchOpen = (_: TrajectorySearch) => {};
  const searchOpen = new Promise<TrajectorySearch>((resolve) => {
    onSearchOpen = resolve;
  });
  const lull = createImportLull();
  const trajectories = await openTrajectories({
    ...options,
    inBackground: background.prewarm,
    whenQuiet: lull.wait,
    async moreToPrewarm(): Promise<PrewarmStep[]> {
      const opened = await searchOpen;
      return [...(await opened.prewarmSteps()), ...((await moreToPrewarm?.()) ?? [])];
    },
    // Nobody writes to a record before all is open.
    overriding: (rows) => imports.overriding(rows),
    onEvent(event) {
      observers.observeTrajectories(event);
      if (event.type === 'record_written' && textOperations.has(event.operation)) search.changed();
    },
  });
  // After the trajectories: they look after damaged tables when they open them.
  const search = await openTrajectorySearch({
    ...options,
    whenQuiet: lull.wait,
    inBackground: (work, given) => lull.wait().then(() => background.vectors(work, given)),
    onEvent: observers.observeSearch,
  });
  onSearchOpen(search);
  let isClosing = false;
  let following: Promise<unknown> | undefined;
  /** Whoever asks for statistics next, in this run or in the one after it, finds what they are made from. */
  function followImport(): void {
    if (isClosing) return;
    following = trajectories.figures
      .statistics()
      .catch((error: unknown) => options.logger.warn({ err: error }, 'statistics wait until they are asked for'));
  }
  const imports = await openImports({
    ...options,
    exclusively: trajectories.exclusively,
    settle: trajectories.settle,
    onRowsCommitted: () => {
      search.changed();
      return trajectories.refresh();
    },
    onImported: () => void trajectories.maintain().then(followImport),
    inBackground: (work, given) => background.imports((signal) => lull.during(() => work(signal)), given),
    onEvent: observers.observeImports,
  });
  return {
    trajectories,
    search,
    imports,
    routes: [
      importRoutes(imports),
      analysisRoutes(trajectories),
      questionRoutes(trajectories),
      exportRoutes(trajectories),
      recordRoutes(trajectories),
      searchRoutes(search),
      trajectoryRoutes(trajectories),
    ],
    async close() {
      isClosing = true;
      await following;
      await Promise.all([search.close(), trajectories.close()]);
    },
  };
}
