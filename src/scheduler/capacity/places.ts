import type { Permit } from '../../upstream/index.js';
import type { Entry } from '../queue/entry.js';
import type { UpstreamLimits } from './upstream-limits.js';

/**
 * - `isLimited`: whether the limits of other servers hold now.
 * - `onFree`: a place was given back before the end of its task.
 * @source story-17.4 task 3 ("the model endpoint's own answers")
 */
export interface PlacesOptions {
  limits: UpstreamLimits;
  isLimited(): boolean;
  now(): number;
  onFree(): void;
}

/**
 * The places that running tasks have at the servers that they ask. A task has one from its start to its end, but for the
 * pauses before its next tries; what comes back from a pause goes before what has not begun, in the order in which it
 * arrived.
 * @source story-17.4 task 3 ("the model endpoint's own answers")
 */
export interface Places {
  mayTake(entry: Entry): boolean;
  take(entry: Entry): void;
  /** Lets those go on that come back from a pause, as far as there are places. */
  resume(): void;
  /** The task has ended: what still asks in its name is held up no more. */
  end(entry: Entry): void;
  /** What the task gives to the one call that it makes at a time; undefined when it asks no other server. */
  permitOf(entry: Entry): Permit | undefined;
}

/** Nothing is taken yet. @source story-17.4 task 3 */
export function createPlaces({ limits, isLimited, now, onFree }: PlacesOptions): Places {
  const held = new Set<Entry>();
  const returning = new Map<Entry, () => void>();

  const mayTake = ({ options: { upstream } }: Entry) =>
    upstream === undefined || !isLimited() || limits.mayStart(upstream, now());
  const take = (entry: Entry) => {
    if (entry.options.upstream === undefined) return;
    held.add(entry);
    limits.started(entry.options.upstream, now());
  };
  const giveBack = (entry: Entry) => {
    if (held.delete(entry)) limits.ended(entry.options.upstream as string);
  };
  const resume = () => {
    if (returning.size === 0) return;
    for (const [entry, goOn] of [...returning].sort(([a], [b]) => (a.isBefore(b) ? -1 : 1))) {
      if (!mayTake(entry)) continue;
      returning.delete(entry);
      take(entry);
      goOn();
    }
  };

  return {
    mayTake,
    take,
    resume,
    end(entry) {
      giveBack(entry);
      returning.get(entry)?.();
      returning.delete(entry);
    },
    permitOf(entry) {
      const { upstream } = entry.options;
      if (upstream === undefined) return undefined;
      return {
        release() {
          // The last one that asks keeps its place: where nothing is taken at all, others would only be refused too.
          if (!held.has(entry) || limits.running(upstream) === 1) return;
          giveBack(entry);
          onFree();
        },
        acquire(signal) {
          if (entry.state !== 'running' || held.has(entry)) return Promise.resolve();
          return new Promise((resolve, reject) => {
            const onAbort = () => {
              returning.delete(entry);
              reject(signal.reason);
            };
            if (signal.aborted) {
              onAbort();
              return;
            }
            signal.addEventListener('abort', onAbort, { once: true });
            returning.set(entry, () => {
              signal.removeEventListener('abort', onAbort);
              resolve();
            });
            resume();
          });
        },
      };
    },
  };
}
