import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';
import { ownFile } from '../../own-file.js';

/**
 * One file of the page, as it is sent. Every one is text.
 * @source product contract, Monitoring (`GET /dashboard`: "works without internet")
 */
export interface PageFile {
  type: string;
  etag: string;
  plain: Buffer;
  /** Compressed when it is first asked for. */
  brotli(): Buffer;
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};
const libraryFiles = ['uPlot.iife.min.js', 'uPlot.min.css'];

/** Half a millisecond for each file, and within a tenth of the best. */
const quality = 5;

/**
 * The file that the page itself is.
 * @source product contract, Monitoring (`GET /dashboard`)
 */
export const pageName = 'dashboard.html';

function pageFile(folder: string, name: string): [string, PageFile] {
  const plain = readFileSync(path.join(folder, name));
  const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
  let compressed: Buffer | undefined;
  const brotli = () => {
    compressed ??= brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } });
    return compressed;
  };
  return [name, { type: types[path.extname(name)] ?? 'text/plain; charset=utf-8', etag, plain, brotli }];
}

/**
 * Reads the page and everything that it loads, the chart library included, by name.
 * @throws Error when a file is missing from the installation
 * @source product contract, Monitoring (`GET /dashboard`)
 */
export function readPageFiles(): ReadonlyMap<string, PageFile> {
  const own = fileURLToPath(ownFile('metrics/dashboard/page/'));
  const names = readdirSync(own).filter((name) => types[path.extname(name)] !== undefined);
  const library = path.dirname(createRequire(import.meta.url).resolve('uplot/dist/uPlot.iife.min.js'));
  return new Map([...names.map((name) => pageFile(own, name)), ...libraryFiles.map((name) => pageFile(library, name))]);
}
