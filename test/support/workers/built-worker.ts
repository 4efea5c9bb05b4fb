import { Worker, type WorkerOptions } from 'node:worker_threads';
import { inject } from 'vitest';
import { ownFile } from '../../../src/own-file.js';
import { startWorker as startFromSources } from '../../../src/worker.js';

/** Stands in the tests for the function of this name in src/worker.ts: the thread runs what was built before. */
export function startWorker(entry: URL, options: WorkerOptions = {}): Worker {
  const built = inject('workers');
  const sources = ownFile('.').href;
  if (built === '' || !entry.href.startsWith(sources)) return startFromSources(entry, options);
  return new Worker(`${built}/${entry.href.slice(sources.length).replace(/\.js$/, '.mjs')}`, options);
}
