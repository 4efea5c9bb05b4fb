import { openMemorySignal } from '../scheduler/index.js';
import type { AutoTuneSettings } from './auto-tune-settings.js';
import { type TunableCaches, tunedCaches } from './tuned-caches.js';
import { openTuning, type Tuning, type TuningOptions } from './tuning.js';

/**
 * The caches and what tuning needs beside them; the memory signal is the machine's own when left out.
 * @source issue "`auto_tune`"
 */
export interface CacheTuningOptions extends TunableCaches, Omit<TuningOptions, 'caches' | 'memory' | 'settings'> {
  /** The configuration that is in force; while the master switch (`all`) is off, tuning is, too. */
  policy: { list(): { all: { effective: boolean } }; policies(): { auto_tune: AutoTuneSettings } };
  memory?: TuningOptions['memory'];
}

/** Tunes the caches of the service. @source issue "`auto_tune`" */
export function openCacheTuning(options: CacheTuningOptions): Tuning {
  const { flags, caches, results, policy, memory = openMemorySignal(), ...rest } = options;
  return openTuning({
    ...rest,
    caches: tunedCaches({ flags, caches, results }),
    settings() {
      const { auto_tune } = policy.policies();
      return { ...auto_tune, enabled: auto_tune.enabled && policy.list().all.effective };
    },
    memory,
  });
}
