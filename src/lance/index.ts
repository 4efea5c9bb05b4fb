export type { Table } from '@lancedb/lancedb';
export { type Database, openDatabase } from './database.js';
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
export { scanBatches } from './scan.js';
export {
  createScalarIndex,
  optimizeTable,
  readFresh,
  retryOnConflict,
  type ScalarIndex,
  type TableCondition,
  tableCondition,
} from './upkeep.js';
