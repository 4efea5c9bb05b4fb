import type { AlertChange } from '../alert.js';

/**
 * Where people are told of alerts. `send` may be called again with the same changes after it has failed.
 * @source product contract, "Facts from the documents that the seeds cite" (channels: console log, file, webhook)
 */
export interface Channel {
  readonly name: 'log' | 'file' | 'webhook';
  send(changes: AlertChange[]): Promise<void>;
}
