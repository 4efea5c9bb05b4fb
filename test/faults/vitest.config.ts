import { defineConfig } from 'vitest/config';

/** What measures times on its own. */
const timed = ['test/faults/restart-time.fault.ts'];

// biome-ignore lint/style/noDefaultExport: the form vitest reads
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    // Each process under test keeps about one core busy while it starts, and so does whoever judges it.
    fileParallelism: process.env.FAULTS === 'full',
    maxWorkers: 2,
    globalSetup: [new URL('support/results.ts', import.meta.url).pathname],
    disableConsoleIntercept: true,
    testTimeout: 60 * 60 * 1000,
    hookTimeout: 60_000,
    reporters: ['verbose'],
    projects: [
      { extends: true, test: { name: 'together', include: ['test/faults/**/*.fault.ts'], exclude: timed } },
      { extends: true, test: { name: 'alone', include: timed, sequence: { groupOrder: 1 } } },
    ],
  },
});
