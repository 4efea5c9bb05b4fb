import { createHash } from 'node:crypto';
import { openUpstream, type UpstreamEvent, type UpstreamOptions } from '../../../upstream/index.js';
import type { AlertChange } from '../alert.js';
import type { Channel } from './channel.js';

/** How Alertmanager writes that an alert has not ended. */
const notEnded = '0001-01-01T00:00:00Z';

const sortedEntries = (labels: Record<string, string>) => Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));

function entryOf({ event, atMs, alert }: AlertChange) {
  const { name, severity, since, value, threshold, summary } = alert;
  const labels = { alertname: name, severity, ...alert.labels };
  return {
    status: event,
    labels,
    annotations: { summary, value: String(value), threshold: String(threshold) },
    startsAt: since,
    endsAt: event === 'firing' ? notEnded : new Date(atMs).toISOString(),
    generatorURL: '',
    fingerprint: createHash('sha256')
      .update(JSON.stringify(sortedEntries(labels)))
      .digest('hex')
      .slice(0, 16),
  };
}

/**
 * What is posted: the message that Alertmanager posts, which many receivers understand already.
 * @source Prometheus documentation, "Alertmanager configuration" (webhook_config)
 */
export function webhookMessage(changes: AlertChange[]) {
  return {
    version: '4',
    groupKey: '{}:{}',
    truncatedAlerts: 0,
    status: changes.some(({ event }) => event === 'firing') ? 'firing' : 'resolved',
    receiver: 'canvas-learning-backend',
    groupLabels: {},
    commonLabels: {},
    commonAnnotations: {},
    externalURL: '',
    alerts: changes.map(entryOf),
  };
}

/**
 * `url`: what is posted to, query included; `timeoutMs` is asked at each use, since it follows the configuration.
 * @source product contract, "Facts from the documents that the seeds cite" (channels: webhook)
 */
export interface WebhookOptions {
  url: string;
  timeoutMs: () => number;
  onUpstreamEvent: (event: UpstreamEvent) => void;
  clock?: UpstreamOptions['clock'];
}

/**
 * Posts to an address. Each message is tried as the policy for other servers says, and bounded in time; whatever a
 * receiver answers with a 2xx status counts as received.
 * @throws Error when the address cannot be used; the message does not repeat it
 * @source product contract, "Facts from the documents that the seeds cite" (channels: webhook); story-17.4 ADR-0009
 */
export function webhookChannel(options: WebhookOptions): Channel & { close(): void } {
  const { origin, pathname, search, username, password } = new URL(options.url);
  if (username !== '' || password !== '') {
    throw new Error('ALERT_WEBHOOK_URL: expected an address without user and password');
  }
  const server = openUpstream({
    name: 'webhook',
    baseUrl: origin,
    policy: 'network',
    onEvent: options.onUpstreamEvent,
    ...(options.clock && { clock: options.clock }),
  });
  return {
    name: 'webhook',
    async send(changes) {
      await server.postJson(pathname + search, webhookMessage(changes), {
        timeoutMs: options.timeoutMs(),
        ignoreAnswer: true,
      });
    },
    close: () => server.close(),
  };
}
