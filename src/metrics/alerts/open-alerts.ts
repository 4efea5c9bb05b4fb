import type { Logger } from '../../logger.js';
import type { UpstreamEvent } from '../../upstream/index.js';
import type { Clock } from '../clock.js';
import type { Reading } from '../summary/reading/reading.js';
import type { RecentReadings } from '../summary/reading/recent-readings.js';
import type { Alert } from './alert.js';
import type { AlertSeries } from './alert-series.js';
import type { Channel } from './channels/channel.js';
import { type Delivery, openDelivery } from './channels/delivery.js';
import { fileChannel } from './channels/file-channel.js';
import { logChannel } from './channels/log-channel.js';
import { webhookChannel } from './channels/webhook-channel.js';
import { openLiveConfig } from './live-config.js';
import { RuleStates } from './rule-states.js';
import type { ConfigFiles } from './rules/alert-config.js';

/**
 * - `configPath`: the rules; the file need not exist.
 * - `logFile`: where the file channel writes. `webhookUrl` undefined: there is no webhook.
 * @source product contract, Monitoring (`/metrics/alerts`)
 */
export interface AlertsOptions {
  configPath: string;
  files: ConfigFiles;
  logFile: string;
  webhookUrl: string | undefined;
  series: AlertSeries;
  logger: Logger;
  clock: Clock;
  onUpstreamEvent: (event: UpstreamEvent) => void;
}

/**
 * The alerts of the service.
 * @source product contract, Monitoring (`/metrics/alerts`)
 */
export interface Alerts {
  /** What fires now: the worst first, then the oldest. */
  active(): Alert[];
  /** Looks at every rule, and tells the channels what began or ended; it waits for none of them. */
  evaluate(recent: RecentReadings, now: Reading): void;
  /** Reads the rules now. @throws Problem `ALERT_CONFIG_INVALID`; the last good ones stay */
  reload(): void;
  close(): Promise<void>;
}

/**
 * Opens the alerts; nothing is looked at before `evaluate`.
 * @throws Error when the address of the webhook cannot be used
 * @source product contract, Monitoring (`/metrics/alerts`), "Facts from the documents that the seeds cite"
 */
export function openAlerts(options: AlertsOptions): Alerts {
  const { series, logger, clock } = options;
  const config = openLiveConfig({
    path: options.configPath,
    files: options.files,
    clock,
    logger,
    onRead: series.setConfigGood,
  });
  const channelsNow = () => config.current.channels;
  const webhook =
    options.webhookUrl === undefined
      ? undefined
      : webhookChannel({
          url: options.webhookUrl,
          timeoutMs: () => channelsNow().webhook.timeout_seconds * 1000,
          onUpstreamEvent: options.onUpstreamEvent,
        });
  const channels: Channel[] = [
    logChannel(logger),
    fileChannel(options.logFile, () => channelsNow().file.max_bytes),
    ...(webhook ? [webhook] : []),
  ];
  const deliveries: Delivery[] = channels.map((channel) =>
    openDelivery({
      channel,
      settings: () => channelsNow()[channel.name],
      clock,
      logger,
      onOutcome: series.countDelivery,
    }),
  );
  const states = new RuleStates();

  return {
    active: () => states.active(),
    evaluate(recent, now) {
      const changes = states.evaluate(config.current.rules, recent, now, clock.wall());
      if (changes.length === 0) return;
      series.setFiring(states.active());
      for (const delivery of deliveries) delivery.add(changes);
    },
    reload: config.reload,
    async close() {
      config.close();
      webhook?.close();
      await Promise.all(deliveries.map((delivery) => delivery.close()));
    },
  };
}
