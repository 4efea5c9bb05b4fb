/**
 * Brings changes of alerts to one channel, in order, each at least once while the channel works; nobody waits for it.
 * What cannot be delivered is tried again, then given up; what comes faster than it goes is dropped, oldest first.
 */
import type { Logger } from '../../../logger.js';
import type { Clock } from '../../clock.js';
import type { AlertChange } from '../alert.js';
import type { Severity } from '../rules/alert-rule.js';
import type { Channel } from './channel.js';

const maxWaiting = 200;
const maxInOne = 50;
const againAfterMs = 30_000;
const maxTries = 10;

const severities: readonly Severity[] = ['info', 'warning', 'critical'];

/**
 * What became of changes of alerts on their way: `failed` counts tries, the others changes.
 * @source product contract, Promises 7
 */
export type DeliveryOutcome = 'sent' | 'failed' | 'dropped';

/**
 * `settings` is asked at each use, since it follows the configuration.
 * @source product contract, "Facts from the documents that the seeds cite" (channels)
 */
export interface DeliveryOptions {
  channel: Channel;
  settings: () => { enabled: boolean; min_severity: Severity };
  clock: Clock;
  logger: Logger;
  onOutcome: (channel: Channel['name'], outcome: DeliveryOutcome, changes: number) => void;
}

/**
 * The way to one channel.
 * @source product contract, "Facts from the documents that the seeds cite" (channels)
 */
export interface Delivery {
  add(changes: AlertChange[]): void;
  /** Begins nothing new; resolves when what is under way has ended. */
  close(): Promise<void>;
}

/**
 * Opens the way; see the top of the file.
 * @source product contract, "Facts from the documents that the seeds cite" (channels)
 */
export function openDelivery({ channel, settings, clock, logger, onOutcome }: DeliveryOptions): Delivery {
  const waiting: AlertChange[] = [];
  let running: Promise<void> | undefined;
  let stopWaiting: (() => void) | undefined;
  let isClosed = false;
  let failures = 0;

  function start() {
    if (isClosed || waiting.length === 0 || running !== undefined || stopWaiting !== undefined) return;
    running = deliver().finally(() => {
      running = undefined;
      start();
    });
  }

  function drop(changes: AlertChange[], why: string) {
    if (changes.length === 0) return;
    onOutcome(channel.name, 'dropped', changes.length);
    logger.error({ channel: channel.name, alerts: changes.map(({ alert }) => alert.name) }, why);
  }

  function bound() {
    const surplus = waiting.splice(0, Math.max(0, waiting.length - maxWaiting));
    drop(surplus, 'more alerts than could be told');
  }

  async function deliver() {
    const batch = waiting.splice(0, maxInOne);
    try {
      await channel.send(batch);
      failures = 0;
      onOutcome(channel.name, 'sent', batch.length);
    } catch (error) {
      if (isClosed) return;
      failures += 1;
      onOutcome(channel.name, 'failed', 1);
      if (failures === 1) logger.warn({ channel: channel.name, err: error }, 'alerts could not be told; trying again');
      if (failures >= maxTries) {
        failures = 0;
        drop(batch, 'alerts could not be told');
        return;
      }
      waiting.unshift(...batch);
      bound();
      stopWaiting = clock.after(againAfterMs, () => {
        stopWaiting = undefined;
        start();
      });
    }
  }

  return {
    add(changes) {
      const { enabled, min_severity } = settings();
      if (isClosed || !enabled) return;
      const least = severities.indexOf(min_severity);
      waiting.push(...changes.filter(({ alert }) => severities.indexOf(alert.severity) >= least));
      bound();
      start();
    },
    async close() {
      isClosed = true;
      stopWaiting?.();
      await running;
    },
  };
}
