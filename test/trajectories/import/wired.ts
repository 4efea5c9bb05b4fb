import path from 'node:path';
import { createLogger } from '../../../src/logger.js';
import type { Imports, ImportsOptions } from '../../../src/trajectories/import/imports.js';
import { openTrajectories, type Trajectories } from '../../../src/trajectories/index.js';
import { fixedOptimization } from '../../support/optimization.js';
import { openTestImports } from './open.js';

export interface Opened {
  trajectories: Trajectories;
  imports: Imports;
  lanceUri: string;
  /** Lets the imports that wait begin. */
  go(): void;
  close(): Promise<void>;
}

/** The table and the imports into it, as the service wires them; imports wait until they are let go. */
export async function openWired(
  dataDir: string,
  onCommit: (opened: Opened) => void = () => {},
  changes: Partial<ImportsOptions> = {},
) {
  const lanceUri = path.join(dataDir, 'lance');
  const trajectories: Trajectories = await openTrajectories({
    lanceUri,
    nativeQuery: fixedOptimization(true, { row_id_cache_bytes: 1_000_000 }),
    analysisById: fixedOptimization(true, {}),
    queryCache: fixedOptimization(false, { ttl_seconds: 300, max_bytes: 1 }),
    scalarIndexes: fixedOptimization(false, {}),
    overriding: (rows) => imports.overriding(rows),
    logger: createLogger('silent'),
    onEvent() {},
  });
  let go = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const { imports } = await openTestImports(dataDir, {
    batchImport: fixedOptimization(true, { batch_rows: 40, max_batch_bytes: 2 ** 25 }),
    bulkDuplicateCheck: fixedOptimization(true, {}),
    exclusively: trajectories.exclusively,
    settle: trajectories.settle,
    onRowsCommitted: trajectories.refresh,
    inBackground: (begin) => gate.then(() => begin(new AbortController().signal)),
    onEvent: ({ type }) => type === 'batch_committed' && onCommit(opened),
    ...changes,
  });
  const opened: Opened = {
    trajectories,
    imports,
    lanceUri,
    go,
    async close() {
      await imports.close();
      await trajectories.close();
    },
  };
  return opened;
}
