export type { Table } from '@lancedb/lancedb';
export { arrow } from './arrow.js';
export { type CacheLimits, type Database, type DatabaseOptions, openDatabase, writerCaches } from './database.js';
export { createIndexSwitch, type IndexSwitch, withIndexSwitch, withoutIndex } from './index-switch.js';
export { askVersion, knownVersion, rememberVersion } from './known-version.js';
export {
  booleanLiteral,
  containsPattern,
  integerLiteral,
  likeEscape,
  listLiteral,
  numberLiteral,
  stringLiteral,
  wildcardPattern,
} from './literals.js';
export { fewRows, scanBatches } from './scan.js';
export { type TableLayout, tableLayout } from './table-layout.js';
export type { TableDamage } from './table-recovery.js';
export { createTextIndex, rowsWithoutText, textQuery, wholeTextQuery } from './text-search.js';
export {
  compactTable,
  createScalarIndex,
  mergeFragments,
  optimizeTable,
  pruneVersions,
  readFresh,
  refuseBegun,
  retryOnConflict,
  type ScalarIndex,
  type TableCondition,
  tableCondition,
} from './upkeep.js';
export {
  dropOtherModels,
  type ModelTableOptions,
  modelTableName,
  openModelTable,
  type VectorModel,
} from './vectors/model-table.js';
export { vectorRows, vectorSchema } from './vectors/vector-rows.js';
export { exactQuery, nearestQuery, vectorsWithoutIndex } from './vectors/vector-search.js';
export { probesOf, tidyVectors, type VectorUpkeepOptions } from './vectors/vector-upkeep.js';
