import type { Clock } from '../clock.js';
import type { Job } from './job.js';
import type { JobFiles } from './job-files.js';

/**
 * Writes one job down as it goes on, so that a `kill -9` loses little of what its tasks have done: about `everyMs`
 * after a change, at most once in that time, and never two writes at once. It does not promise that each state is kept.
 * @source product contract, Settled details (Agents and memory); product contract, Promises 1
 */
export interface JobSaves {
  /** The job has changed. */
  changed(): void;
  /**
   * Writes the job down as it is now, after whatever is being written.
   * @throws Error of the disk
   */
  finish(): Promise<void>;
}

/**
 * @param onFailed a write between failed; the next change tries again
 * @source product contract, Promises 1
 */
export function openJobSaves(
  job: Job,
  options: { files: Pick<JobFiles, 'save'>; clock: Clock; everyMs: number; onFailed: (error: unknown) => void },
): JobSaves {
  const { files, clock, everyMs, onFailed } = options;
  let saving: Promise<void> | undefined;
  let cancel: (() => void) | undefined;
  let hasChanged = false;
  let isFinished = false;

  const later = () => {
    if (isFinished || cancel !== undefined || saving !== undefined) return;
    cancel = clock.after(everyMs, () => {
      cancel = undefined;
      hasChanged = false;
      saving = files
        .save(job)
        .catch(onFailed)
        .then(() => {
          saving = undefined;
          if (hasChanged) later();
        });
    });
  };
  return {
    changed() {
      hasChanged = true;
      later();
    },
    async finish() {
      isFinished = true;
      cancel?.();
      await saving;
      await files.save(job);
    },
  };
}
