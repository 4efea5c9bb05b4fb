import { Problem } from '../../errors.js';
import type { Logger } from '../../logger.js';
import type { Clock } from '../clock.js';
import { type ConfigFiles, fallbackConfig, readAlertConfig } from './rules/alert-config.js';
import type { AlertConfig } from './rules/alert-rule.js';

/**
 * The alert file while the service runs: its last good state.
 * @source product contract, Optimisations ("an invalid edit keeps the last good one"), applied to the alert rules
 */
export interface LiveConfig {
  readonly current: AlertConfig;
  /** Reads the file now; none where there never was one is no fault. @throws Problem `ALERT_CONFIG_INVALID`; the last good state stays */
  reload(): void;
  close(): void;
}

/**
 * `onRead` is told of each reading whether it was good.
 * @source product contract, Monitoring (`/metrics/alerts`: "rules live in config")
 */
export interface LiveConfigOptions {
  path: string;
  files: ConfigFiles;
  clock: Clock;
  logger: Logger;
  onRead: (isGood: boolean) => void;
}

/**
 * Reads the file and follows it. A file that is missing or bad at the start stops nothing: until a good one is there,
 * the only rule is the one that says so.
 * @source story-17.4 task 8 (graceful degradation)
 */
export function openLiveConfig({ path, files, clock, logger, onRead }: LiveConfigOptions): LiveConfig {
  let current = fallbackConfig;
  const watch = files.watch(path, clock, follow);

  /** @throws Problem, having logged and told it; answers false while the file is being written */
  function read(): boolean {
    let next: AlertConfig | undefined;
    try {
      next = readAlertConfig(files, path);
    } catch (error) {
      const reason = error instanceof Problem ? error.message : String(error);
      logger.error({ path, reason }, 'alert rules refused; the last good ones stay');
      onRead(false);
      throw error;
    }
    if (next === undefined) return false;
    current = next;
    onRead(true);
    return true;
  }

  function follow(): boolean {
    try {
      return read();
    } catch {
      return true;
    }
  }

  if (files.read(path).state === 'missing') logger.warn({ path }, 'no alert rules; nothing is watched');
  else follow();
  return {
    get current() {
      return current;
    },
    reload() {
      watch.markRead();
      if (current === fallbackConfig && files.read(path).state === 'missing') return;
      read();
    },
    close: () => watch.close(),
  };
}
