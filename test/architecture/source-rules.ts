import type { SourceRule } from './import-rules.js';
import type { SourceFile } from './source-file.js';

const maxLines = 300;
const maxFilesInFolder = 12;

/** Each match of a pattern in the code (comments left out), as `path:line message`. */
function occurrences(files: SourceFile[], pattern: RegExp, message: (found: string) => string): string[] {
  return files.flatMap((file) =>
    [...file.code.matchAll(pattern)].map((match) => {
      const line = file.code.slice(0, match.index).split('\n').length;
      return `${file.path}:${line} ${message(match[0].trim())}`;
    }),
  );
}

/** The environment is read in one file, so that every setting is known and checked. */
export const environmentIsReadInSettings: SourceRule = (files) => {
  const others = files.filter((file) => file.path !== 'settings.ts');
  const pattern =
    /\bprocess\s*(?:\?\.|\.|\[\s*['"])\s*env\b|\{[^}]*\benv\b[^}]*\}\s*(?:=\s*process\b|from\s*['"](?:node:)?process['"])/g;
  return occurrences(others, pattern, () => 'reads the environment; only settings.ts may');
};

/** What is built lies elsewhere than its source, so the program's own files are found from the top. Commands are not. */
export const ownFilesAreFoundFromTheTop: SourceRule = (files) => {
  const others = files.filter(({ path }) => path !== 'own-file.ts' && path !== 'main.ts' && !path.startsWith('cli/'));
  return occurrences(others, /new URL\([^;]*?import\.meta\.url/g, () => 'looks beside itself; ask ownFile()');
};

/** A file fits into a head. */
export const filesAreShort: SourceRule = (files) =>
  files
    .map((file) => ({ path: file.path, lines: file.text.replace(/\n$/, '').split('\n').length }))
    .filter(({ lines }) => lines > maxLines)
    .map(({ path, lines }) => `${path} has ${lines} lines; at most ${maxLines}`);

/** A folder fits on a screen. */
export const foldersAreSmall: SourceRule = (files) => {
  const counts = new Map<string, number>();
  for (const { path } of files) {
    const folder = path.split('/').slice(0, -1).join('/') || '.';
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > maxFilesInFolder)
    .map(([folder, count]) => `${folder}/ has ${count} files; at most ${maxFilesInFolder}`);
};

/** What a module offers has one name everywhere. */
export const exportsAreNamed: SourceRule = (files) =>
  occurrences(files, /^[ \t]*export\s+default\b|\bas\s+default\b/gm, () => 'has a default export');

/** Exported where it is declared, or passed on from where it is declared: so that its comment is found. */
export const exportsAreDeclared: SourceRule = (files) =>
  occurrences(
    files,
    /^[ \t]*export\s+(?:type\s+)?\{[^}]*\}(?!\s*from\b)/gm,
    () => 'exports a name apart from its declaration',
  );

/** Every exported symbol says what it is and where the wish for it comes from. */
export const exportsAreDocumented: SourceRule = (files) =>
  files.flatMap((file) => {
    const documented = new Set<string>();
    return file.declarations.flatMap(({ name, kind, comment, line }) => {
      const isOverload = kind === 'function' && documented.has(name);
      if (isOverload) return [];
      if (comment === '') return [`${file.path}:${line} ${name} has no TSDoc comment`];
      documented.add(name);
      return /@source[ \t]+(?!\*\/)\S/.test(comment) ? [] : [`${file.path}:${line} ${name} has no @source`];
    });
  });

/** What the two seed documents have: acceptance criteria, tasks and decisions of the one, sections of the other. */
const seedParts = [
  /^story-17\.4(?:$|[ ;,.)](?!AC|ADR|tasks? ))/,
  /^story-17\.4 AC[1-8]\b/,
  /^story-17\.4 tasks? [1-9]\b(?!\d)/,
  /^story-17\.4 ADR-00(?:04|07|09|10)\b/,
  /^trajectory-optimization (?:1\.1|1\.2(?:-[A-C])?|1\.3|2\.1|2\.2(?:-[A-E])?|2\.3|[1-4](?!\.\d))(?![-\w])/,
];

/** A source in a seed is a part that the seed has. */
export const seedsAreQuotedRightly: SourceRule = (files) =>
  files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      if (!line.includes('@source')) return [];
      const quoted = [...line.matchAll(/\b(?:story-17|trajectory-optimization)\b/g)];
      const wrong = quoted
        .map(({ index: at }) => line.slice(at))
        .filter((rest) => !seedParts.some((part) => part.test(rest)));
      return wrong.map((rest) => `${path}:${index + 1} the seed has no ${rest.split(/[;(]/, 1)[0]?.trim()}`);
    }),
  );

const emptyWords = /(?:Manager|Helper|Util|Common|Service)s?(?![a-z])/;

/** Names say what a thing is, in the field's own words. */
export const namesSayWhatIs: SourceRule = (files) =>
  files.flatMap((file) => {
    const base = file.path.split('/').at(-1) ?? '';
    const words = file.path.replace(/\.ts$/, '').split(/[/.-]/);
    const faults: string[] = [];
    if (base === 'types.ts' || words.some((word) => /^(?:manager|helper|util|common|service)s?$/.test(word))) {
      faults.push(`${file.path} is named for nothing in particular`);
    }
    const declared = /\b(function|class|interface|type|const|let|enum)\s+([A-Za-z_$][\w$]*)/g;
    for (const [whole, kind, name = ''] of file.code.matchAll(declared)) {
      if (emptyWords.test(name)) faults.push(`${file.path} ${whole}: the name says nothing`);
      if (kind === 'interface' && /^I[A-Z][a-z]/.test(name)) faults.push(`${file.path} ${whole}: no I in front`);
    }
    return faults;
  });

/** Files and folders are written in kebab-case; a second ending (`.baseline`) says which variant it is. */
export const filesAreKebabCase: SourceRule = (files) =>
  files
    .filter(({ path }) => !/^(?:[a-z0-9]+(?:-[a-z0-9]+)*\/)*[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z]+)?\.ts$/.test(path))
    .map(({ path }) => `${path} is not kebab-case`);
