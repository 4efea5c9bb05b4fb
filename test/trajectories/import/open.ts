import path from 'node:path';
import { createLogger } from '../../../src/logger.js';
import type { ImportEvent } from '../../../src/trajectories/import/import-events.js';
import { type StartRun, startHere } from '../../../src/trajectories/import/import-runner.js';
import { type ImportsOptions, openImports } from '../../../src/trajectories/import/imports.js';
import type { ImportTask } from '../../../src/trajectories/import/tasks/import-task.js';
import { fixedOptimization } from '../../support/optimization.js';

export const skip: ImportTask['options'] = { skip_duplicate_check: false, on_conflict: 'skip' };

/** Imports in the given folder, run in this thread unless told otherwise; what they reported is beside them. */
export async function openTestImports(dataDir: string, changes: Partial<ImportsOptions> = {}) {
  const events: ImportEvent[] = [];
  const batchImport = fixedOptimization(true, { batch_rows: 500, max_batch_bytes: 32 * 1024 * 1024 });
  const bulkDuplicateCheck = fixedOptimization(true, {});
  const lanceUri = path.join(dataDir, 'lance');
  const inbox = path.join(dataDir, 'inbox');
  const imports = await openImports({
    dataDir,
    lanceUri,
    importDirs: [inbox],
    batchImport,
    bulkDuplicateCheck,
    onRowsCommitted() {},
    logger: createLogger('silent'),
    onEvent: (event) => events.push(event),
    startRun: startHere,
    ...changes,
  });
  return { imports, events, batchImport, bulkDuplicateCheck, lanceUri, inbox };
}

/** Runs in this thread that wait at their first commit until `go` is called. */
export function heldRuns(): { startRun: StartRun; started: Promise<void>; go(): void } {
  let go = () => {};
  let tell = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const started = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const startRun: StartRun = (run, report, exclusively) => {
    let request: 'cancelled' | 'stopped' | undefined;
    let inner: ReturnType<StartRun> | undefined;
    tell();
    const ended = gate.then(() => {
      inner = startHere(run, report, exclusively);
      if (request) inner.stop(request);
      return inner.ended;
    });
    return {
      ended,
      stop(given) {
        request = given;
        inner?.stop(given);
        go();
      },
    };
  };
  return { startRun, started, go };
}

export async function* pieces(text: string | Buffer): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
