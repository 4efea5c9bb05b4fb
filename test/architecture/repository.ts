import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TextFile } from './repository-rules.js';
import { parseSource, type SourceFile } from './source-file.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What .gitignore leaves out, as it is written here: `name/` and `*.ending` at any depth, `/name/` at the top only. */
function ignored(): (file: string) => boolean {
  const lines = readText('.gitignore').split('\n');
  const patterns = lines.map((line) => line.trim().replace(/\/$/, '')).filter((line) => !/^(?:#.*)?$/.test(line));
  const endings = patterns.filter((line) => line.startsWith('*')).map((line) => line.slice(1));
  const atTop = new Set(patterns.filter((line) => line.startsWith('/')).map((line) => line.slice(1)));
  const anywhere = new Set(['.git', ...patterns]);
  return (file) =>
    atTop.has(file) || anywhere.has(path.basename(file)) || endings.some((ending) => file.endsWith(ending));
}

/** One file of the repository. */
export function readText(file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}

const isIgnored = ignored();

function filesUnder(folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const inside = path.posix.join(folder, entry.name);
    if (isIgnored(inside)) return [];
    if (entry.isDirectory()) return filesUnder(inside);
    return entry.isFile() ? [inside] : [];
  });
}

/** What stands at the top of the repository, ignored names left out. */
export const topEntries = (): string[] => readdirSync(root).filter((name) => !isIgnored(name));

/** Read once: many rules look at the same files. */
const once = <T>(read: () => T) => {
  let found: T | undefined;
  return () => {
    found ??= read();
    return found;
  };
};

/** Every text file of the repository; files with NUL bytes are pictures and the like. */
export const textFiles = once((): TextFile[] =>
  filesUnder('.')
    .map((file) => ({ path: file, text: readText(file) }))
    .filter(({ text }) => !text.includes('\0')),
);

/** Every TypeScript file under src. */
export const sourceFiles = once((): SourceFile[] =>
  filesUnder('src')
    .filter((file) => file.endsWith('.ts'))
    .map((file) => parseSource(file.slice('src/'.length), readText(file))),
);
