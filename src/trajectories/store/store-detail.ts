import type { TableDamage } from '../../lance/index.js';
import type { PrewarmProgress } from './prewarm.js';

/**
 * What `/ready` says of the tables; nothing when all is well and loaded.
 * @source product contract, Monitoring (`/ready`: "readiness by component"), Optimisations (`index_prewarm`)
 */
export function storeDetail(damages: readonly TableDamage[], prewarm: PrewarmProgress): { detail?: string } {
  const said = damages.map(damageText);
  if (prewarm.state === 'waiting') said.push('loading indexes and columns: about to begin');
  if (prewarm.state === 'running') said.push(`loading indexes and columns: ${prewarm.done} of ${prewarm.total}`);
  if (prewarm.state === 'failed') {
    said.push(`loading indexes and columns broke off at ${prewarm.done} of ${prewarm.total}; queries load the rest`);
  }
  return said.length > 0 ? { detail: said.join('; ') } : {};
}

/**
 * What is missing from a table that was damaged, in one sentence.
 * @source product contract, Promises 4
 */
export function damageText({ table, version, lostVersions, lostRows, lostSinceMs, keptIn }: TableDamage): string {
  const rows = lostRows === undefined ? 'an unknown number of rows' : `${lostRows} rows`;
  const kept = `what could not be read is kept in ${keptIn}`;
  if (version === undefined)
    return `table ${table}: no version could be read, it begins empty; ${rows} missing; ${kept}`;
  const since = lostSinceMs === undefined ? '' : ` since ${new Date(lostSinceMs).toISOString()}`;
  const lost = `${lostVersions.length} newer version${lostVersions.length === 1 ? '' : 's'}${since}`;
  return `table ${table}: went back to version ${version}, without ${lost}; ${rows} missing; ${kept}`;
}
