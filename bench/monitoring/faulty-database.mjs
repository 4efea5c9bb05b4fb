import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

// Loaded before the built service: SIGUSR2 makes the database answer as the word in the file FAULT_FILE says, until the next
// one. Each fault shows in one optimised way alone.
const require = createRequire(import.meta.url);
const folder = path.dirname(require.resolve('@lancedb/lancedb'));
const { LocalTable } = require(path.join(folder, 'table.js'));
const { Query } = require(path.join(folder, 'query.js'));
let fault = '';
process.on('SIGUSR2', () => {
  fault = readFileSync(process.env.FAULT_FILE, 'utf8').trim();
});

const replaced = (target, name, make) => {
  const real = target[name];
  if (typeof real !== 'function') throw new Error(`${name} is not where it was`);
  target[name] = make(real);
};

const isOnRows = (where) => /\b(agent_name|reward|step_count)\b/.test(where);
/** An index may serve it: not so where the rows may also be those of a column without one. */
const isServed = (where) => !where.includes('updated_at = -1');
const isMeant = (where) =>
  isOnRows(where) && (fault === 'lying_filter' || (fault === 'lying_index' && isServed(where)));
const answered = (where) => (isMeant(where) ? `(${where}) AND exec_time > 40` : where);

replaced(
  Object.getPrototypeOf(Query.prototype),
  'where',
  (real) =>
    function (where) {
      return real.call(this, answered(where));
    },
);
replaced(
  LocalTable.prototype,
  'countRows',
  (real) =>
    function (where) {
      return real.call(this, where && answered(where));
    },
);
replaced(
  LocalTable.prototype,
  'takeRowIds',
  (real) =>
    function (ids) {
      if (fault === 'broken_rows') throw new Error('rows by row id are broken');
      return real.call(this, ids);
    },
);
