export { type AnalysisRoutesOptions, analysisOperations, analysisRoutes } from './analysis/analysis-routes.js';
export { type ExportRoutesOptions, exportOperations, exportRoutes } from './export/export-routes.js';
export { followingOperations } from './import/following/following-routes.js';
export type { ImportEvent } from './import/import-events.js';
export { importOperations, importRoutes } from './import/import-routes.js';
export type { BatchImportSettings } from './import/import-run.js';
export { type Imports, type ImportsOptions, openImports } from './import/imports.js';
export { type LibraryOptions, openTrajectoryLibrary, type TrajectoryLibrary } from './open-library.js';
export {
  type NativeQuerySettings,
  openTrajectories,
  type Trajectories,
  type TrajectoriesOptions,
} from './open-trajectories.js';
export type { NamedCache } from './query/cache/named-cache.js';
export type { QueryCacheSettings } from './query/cache/query-cache.js';
export { type QuestionRoutesOptions, questionOperations, questionRoutes } from './questions/question-routes.js';
export { type RecordRoutesOptions, recordOperations, recordRoutes } from './records/record-routes.js';
export {
  openTrajectorySearch,
  type TrajectorySearch,
  type TrajectorySearchOptions,
  type VectorProgress,
} from './search/open-search.js';
export type { SearchEvent } from './search/search-event.js';
export { type SearchRoutesOptions, searchOperations, searchRoutes } from './search/search-routes.js';
export type { TrajectoryEvent } from './trajectory-events.js';
export { type TrajectoryRoutesOptions, trajectoryOperations, trajectoryRoutes } from './trajectory-routes.js';
