import { defineConfig } from 'vitest/config';

// biome-ignore lint/style/noDefaultExport: the form vitest reads
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/faults/**/*.fault.ts'],
    fileParallelism: false,
    disableConsoleIntercept: true,
    testTimeout: 60 * 60 * 1000,
    hookTimeout: 60_000,
    reporters: ['verbose'],
  },
});
