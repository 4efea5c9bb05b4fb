import type { JobEvent } from './job.js';
import type { JobRun } from './job-run.js';

/**
 * Is told an event; where it returns a promise, the next one comes when that has resolved.
 * @source product contract, Settled details (SSE); product contract, Promises 6
 */
export type JobListener = (event: JobEvent) => unknown;

/**
 * One who follows a job. It keeps its own place among the job's events, so that nothing is piled up for a slow one.
 * @source story-17.4 ADR-0004 (progress callback)
 */
export interface JobFollower {
  /** Tells what has happened meanwhile. */
  proceed(): void;
  stop(): void;
  /** Resolves when the last event was told, or when it was stopped. */
  readonly ended: Promise<void>;
}

/**
 * Begins with the event after `afterSeq`; what is there already is told at once, as far as the listener keeps up.
 * @param onFault what the listener throws; it is told no more then
 * @source story-17.4 ADR-0004 (progress callback); product contract, Agents (`GET /agents/jobs/{id}` + SSE)
 */
export function followRun(
  run: Pick<JobRun, 'events' | 'hasToldAll'>,
  afterSeq: number,
  tell: JobListener,
  onFault: (error: unknown) => void,
): JobFollower {
  let place = Math.min(afterSeq, run.events.length);
  let isTelling = false;
  let isStopped = false;
  let announceEnd: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    announceEnd = resolve;
  });
  const stop = () => {
    isStopped = true;
    announceEnd();
  };
  const tellOn = async () => {
    for (;;) {
      const event = isStopped ? undefined : run.events[place];
      if (event === undefined) break;
      place++;
      const told = tell(event);
      if (told instanceof Promise) await told;
    }
  };
  const proceed = () => {
    if (isTelling || isStopped) return;
    isTelling = true;
    tellOn().then(
      () => {
        isTelling = false;
        // What was told of between the last event and now was not passed on.
        if (run.events[place] !== undefined) proceed();
        else if (run.hasToldAll) stop();
      },
      (error) => {
        onFault(error);
        stop();
      },
    );
  };
  proceed();
  return { proceed, stop, ended };
}
