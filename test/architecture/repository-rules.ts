/** A text file of the repository, `path` relative to its root. */
export interface TextFile {
  path: string;
  text: string;
}

type TextRule = (files: TextFile[]) => string[];

function occurrences(files: TextFile[], pattern: RegExp, message: string): string[] {
  return files.flatMap(({ path, text }) =>
    [...text.matchAll(pattern)].map(
      (match) => `${path}:${text.slice(0, match.index).split('\n').length} ${message}: ${match[0].trim()}`,
    ),
  );
}

/** Work that is left is written in an issue, not left in the text. The words are joined so that this file passes. */
export const nothingIsLeftToDo: TextRule = (files) =>
  occurrences(files, new RegExp(`\\b(?:${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|')})\\b`, 'g'), 'says');

/** No file knows the machine it was written on. */
export const noMachinePaths: TextRule = (files) =>
  occurrences(files, new RegExp(`(?<![\\w.})\\]-])/(?:${['work', 'root', 'tmp'].join('|')})/[^\\s'"]*`, 'g'), 'names');

/** Packages come from the public registry, whoever installs them. */
export const onlyThePublicRegistry: TextRule = (files) => [
  ...occurrences(
    files.filter(({ path }) => path.endsWith('package-lock.json')),
    /"resolved": "(?!https:\/\/registry\.npmjs\.org\/)[^"]*/g,
    'installs from elsewhere',
  ),
  ...occurrences(
    files.filter(({ path }) => path.endsWith('.npmrc')),
    /^.*(?:registry|_auth)\w*\s*=.*$/gim,
    'sets a registry',
  ),
];

const exact = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/;

/** Every version in package.json is exact, so that two machines install the same. */
export function exactVersions(manifest: Record<string, unknown>): string[] {
  const walk = (at: string, value: unknown): string[] =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([name, inside]) => walk(`${at} ${name}`, inside))
      : exact.test(String(value))
        ? []
        : [`${at} is ${String(value)}, not an exact version`];
  return ['dependencies', 'devDependencies', 'optionalDependencies', 'overrides'].flatMap((group) =>
    manifest[group] === undefined ? [] : walk(group, manifest[group]),
  );
}

const topLevel = new Set(
  'package.json package-lock.json tsconfig.json README.md CHANGELOG.md LICENSE config src test bench docs'.split(' '),
);

/** The top of the repository holds these and dotfiles, nothing else. */
export function topLevelIsFixed(entries: string[]): string[] {
  return entries
    .filter((entry) => !topLevel.has(entry) && !entry.startsWith('.'))
    .map((entry) => `${entry} does not belong to the top level`);
}
