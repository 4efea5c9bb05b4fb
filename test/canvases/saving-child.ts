/**
 * Saves canvases in the vault and data folder of its arguments until it is killed, from eight writers at once. Says
 * `sent <canvas> <number>` before a save and `acked <canvas> <number>` after it.
 */
import { writeSync } from 'node:fs';
import { openCanvases } from '../../src/canvases/index.js';
import { createLogger } from '../../src/logger.js';
import { fixedOptimization } from '../support/optimization.js';
import { canvasBytes } from './support/canvas-bytes.js';

const [vaultDir = '', dataDir = '', first = '0'] = process.argv.slice(2);

/** At once and in order; a full pipe is tried again. */
function say(word: string, canvas: string, number: number): void {
  for (;;) {
    try {
      writeSync(1, `${word} ${canvas} ${number}\n`);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

const canvases = await openCanvases({
  vaultDir,
  dataDir,
  cache: fixedOptimization(true, { max_files: 200, max_bytes: 64 * 1024 * 1024, ttl_seconds: 3600 }),
  fastJson: fixedOptimization(true, {}),
  batchWriter: fixedOptimization(true, { window_ms: 5, max_delay_ms: 20, max_pending_bytes: 64 * 1024 * 1024 }),
  logger: createLogger('silent'),
  onEvent: () => {},
});

async function save(canvas: string): Promise<void> {
  for (let number = Number(first); ; number += 1) {
    say('sent', canvas, number);
    await canvases.put(canvas, canvasBytes(String(number), 40), {}, false);
    say('acked', canvas, number);
  }
}

await Promise.all(Array.from({ length: 8 }, (_unused, index) => save(`${index % 3}/${index}.canvas`)));
