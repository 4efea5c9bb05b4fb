import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** These put another module in the place of one, which must not reach the tests beside them, nor be missed for theirs. */
const withReplacedModules = [
  'test/lance/caches.test.ts',
  'test/optimizations/config-file.test.ts',
  'test/optimizations/wrong-answers.test.ts',
  'test/canvases/changes/vault-watch.test.ts',
  'test/canvases/vault/moved-files.test.ts',
];

const builtWorker = new URL('support/workers/built-worker.ts', import.meta.url).pathname;

// biome-ignore lint/style/noDefaultExport: the form vitest reads
export default defineConfig({
  plugins: [
    {
      name: 'built-workers',
      enforce: 'pre',
      resolveId: (id, importer) => (id.endsWith('/worker.js') && importer?.includes('/src/') ? builtWorker : undefined),
    },
  ],
  test: {
    root: new URL('..', import.meta.url).pathname,
    pool: 'forks',
    globalSetup: [new URL('support/workers/build-workers.ts', import.meta.url).pathname],
    // All cores: one is left idle otherwise, which on two is half of them.
    maxWorkers: Math.max(2, availableParallelism()),
    projects: [
      {
        extends: true,
        test: {
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: withReplacedModules,
          // Modules keep no state of their own, so the files share them: loading them anew took half of the time.
          isolate: false,
          testTimeout: 20_000,
        },
      },
      { extends: true, test: { name: 'apart', include: withReplacedModules, testTimeout: 20_000 } },
    ],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      thresholds: { lines: 90 },
      reporter: ['text-summary', 'json-summary'],
    },
  },
});
