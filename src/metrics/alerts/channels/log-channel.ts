import type { Logger } from '../../../logger.js';
import type { Channel } from './channel.js';

const levels = { critical: 'error', warning: 'warn', info: 'info' } as const;

/**
 * The service's own log: one line for each alert that begins or ends.
 * @source product contract, "Facts from the documents that the seeds cite" (channels: console log)
 */
export function logChannel(logger: Logger): Channel {
  return {
    name: 'log',
    async send(changes) {
      for (const { event, alert } of changes) {
        const { name, severity, labels, value, threshold, since, summary } = alert;
        const fields = { alert: name, severity, ...labels, value, threshold, since, summary };
        if (event === 'firing') logger[levels[severity]](fields, 'alert');
        else logger.info(fields, 'alert is over');
      }
    },
  };
}
