import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll } from 'vitest';

const cache = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url));

/**
 * A program of the tests as one file of JavaScript, for tests that start it again and again: node reads it in a fraction
 * of what it needs for the sources. It may not look for files beside its sources. Removed after the tests of the file.
 */
export async function childProgram(source: URL): Promise<string> {
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(path.join(cache, 'child-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const outfile = path.join(folder, 'child.mjs');
  await build({
    entryPoints: [fileURLToPath(source)],
    outfile,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  });
  return outfile;
}
