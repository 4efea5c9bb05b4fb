import { createLogger } from '../../../src/logger.js';
import { openImports } from '../../../src/trajectories/import/imports.js';

/** Opens the imports of the folder given, imports what stands on standard input, and says what it has committed. */

const say = (line: string) => process.stdout.write(`${line}\n`);
const dataDir = process.argv[2]!;
const optimization = <S>(settings: S) => ({
  enabled: true,
  settings,
  failed: (error: unknown) => say(`failed ${error}`),
});
const imports = await openImports({
  dataDir,
  lanceUri: `${dataDir}/lance`,
  importDirs: [],
  batchImport: optimization({ batch_rows: 500, max_batch_bytes: 32 * 1024 * 1024 }),
  bulkDuplicateCheck: optimization({}),
  onRowsCommitted() {},
  logger: createLogger('silent'),
  onEvent(event) {
    if (event.type === 'batch_committed') say(`committed ${event.rows}`);
  },
});
const upload = await imports.receive(process.stdin, false);
const { task_id } = await imports.accept(upload, { skip_duplicate_check: false, on_conflict: 'skip' });
say(`accepted ${task_id}`);
