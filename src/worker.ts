import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * Starts a worker thread from one of our own modules. `entry` names the compiled file (`./x-worker.js`); when this
 * process runs the TypeScript sources (tests, `npm run dev`), the thread first learns to read them.
 * @source Node.js documentation, worker_threads "new Worker(filename[, options])"
 */
export function startWorker(entry: URL, options: WorkerOptions = {}): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(entry, options);
  const readSources = `import('tsx/esm/api').then(({ register }) => { register(); return import('${entry.href}'); })`;
  return new Worker(readSources, { ...options, eval: true });
}
