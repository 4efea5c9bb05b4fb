import type { Logger } from '../../../logger.js';
import type { InBackground } from '../../../scheduler/index.js';
import type { ImportJob } from '../import-job.js';

/**
 * Where imports wait for their turn. `signal` ends the wait: with `cancelled` as its reason the import ends, with
 * `stopped` it is left to the next start. Once an import runs, it ends in its own way.
 * @source story-17.4 task 3; product contract, Optimisations (`scheduler`)
 */
export interface ImportTurn {
  inBackground: InBackground;
  signal: AbortSignal;
  logger: Logger;
}

/**
 * Runs an import when its turn comes. One that gets no turn runs all the same: it was accepted. Never throws.
 * @source story-17.4 task 3; product contract, Optimisations (`scheduler`)
 */
export async function runInTurn(job: ImportJob, { inBackground, signal, logger }: ImportTurn): Promise<void> {
  let run: Promise<void> | undefined;
  const begin = () => {
    run = job.run();
    return run;
  };
  try {
    await inBackground(begin, { name: job.task.task_id, signal });
  } catch (error) {
    if (run) await run;
    else if (signal.reason === 'cancelled') await job.end('cancelled', 'Cancelled before it began');
    else if (signal.reason === 'stopped') job.leave();
    else {
      logger.warn({ err: error, taskId: job.task.task_id }, 'an import got no turn: it runs beside all else');
      await begin();
    }
  }
}
