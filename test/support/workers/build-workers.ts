/**
 * Makes the worker threads of the service into JavaScript once, as `npm run bundle` does: reading the sources anew costs
 * each of the hundreds of threads that the tests start many times what it does. Not while vitest watches, since they
 * would be those of the first run.
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder that holds what lies under src/, as JavaScript; empty when there is none. */
    workers: string;
  }
}

const root = fileURLToPath(new URL('../../..', import.meta.url));
let folder = '';

/** Called by vitest once before all files. */
export async function setup(project: TestProject): Promise<void> {
  if (!project.vitest.config.watch) await buildWorkers();
  project.provide('workers', folder);
}

async function buildWorkers(): Promise<void> {
  const cache = path.join(root, 'node_modules', '.cache');
  await mkdir(cache, { recursive: true });
  folder = await mkdtemp(path.join(cache, 'workers-'));
  const sources = await readdir(path.join(root, 'src'), { recursive: true });
  const entryPoints = sources.filter((name) => name.endsWith('-worker.ts')).map((name) => `src/${name}`);
  await build({
    absWorkingDir: root,
    entryPoints,
    outbase: 'src',
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
}

/** Called by vitest once after all files. */
export async function teardown(): Promise<void> {
  if (folder) await rm(folder, { recursive: true, force: true });
}
