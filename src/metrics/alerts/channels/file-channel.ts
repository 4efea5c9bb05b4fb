import { appendFile, rename, stat } from 'node:fs/promises';
import type { Channel } from './channel.js';

/**
 * A file of JSON lines, one for each alert that begins or ends. When it would grow past `maxBytes` it is put aside as
 * `<path>.1`, over the one before: both together never take more than twice as much.
 * @param maxBytes asked at each use, since it follows the configuration
 * @source product contract, "Facts from the documents that the seeds cite" (channels: file)
 */
export function fileChannel(path: string, maxBytes: () => number): Channel {
  return {
    name: 'file',
    async send(changes) {
      const lines = changes.map(({ event, atMs, alert }) => {
        const entry = { time: new Date(atMs).toISOString(), event, ...alert };
        return `${JSON.stringify(entry)}\n`;
      });
      const text = lines.join('');
      const present = await stat(path).then(
        ({ size }) => size,
        () => 0,
      );
      if (present > 0 && present + Buffer.byteLength(text) > maxBytes()) await rename(path, `${path}.1`);
      await appendFile(path, text);
    },
  };
}
