/** One import or re-export of a module: what it names, and whether it is erased when compiled. */
export interface Import {
  specifier: string;
  typeOnly: boolean;
  line: number;
}

/** A declaration that a module exports, with the comment in front of it (empty if there is none). */
export interface Declaration {
  kind: string;
  name: string;
  comment: string;
  line: number;
}

/** A source file as the rules see it. `path` is relative to `src`; `code` has blanks where comments were. */
export interface SourceFile {
  path: string;
  text: string;
  code: string;
  imports: Import[];
  declarations: Declaration[];
}

const lineOf = (text: string, offset: number) => text.slice(0, offset).split('\n').length;
const blank = (text: string) => text.replace(/[^\n]/g, ' ');

const token = new RegExp(
  [
    /\/\*[\s\S]*?\*\//, // block comment
    /\/\/[^\n]*/, // line comment
    /'(?:[^'\\\n]|\\.)*'/,
    /"(?:[^"\\\n]|\\.)*"/,
    /`(?:[^`\\]|\\[\s\S])*`/,
    /(?<=[(,=:[!&|?{};\n]\s*|return\s+)\/(?![*/])(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//, // regular expression
  ]
    .map((part) => part.source)
    .join('|'),
  'g',
);

/** The text with every comment blanked out, strings and line numbers left as they are. */
export function withoutComments(text: string): string {
  return text.replace(token, (found) => (found.startsWith('/*') || found.startsWith('//') ? blank(found) : found));
}

function findImports(code: string): Import[] {
  const patterns: [RegExp, (match: RegExpExecArray) => boolean][] = [
    [/^[ \t]*(?:import|export)\s+(type\s+)?(?:[\w$*{}\s,]+?)\s+from\s+['"]([^'"]+)['"]/gm, (match) => !!match[1]],
    [/^[ \t]*import\s+()['"]([^'"]+)['"]/gm, () => false],
    [/\bimport\(\s*()['"]([^'"]+)['"]/g, () => false],
  ];
  return patterns.flatMap(([pattern, isTypeOnly]) =>
    [...code.matchAll(pattern)].map((match) => ({
      specifier: match[2] ?? '',
      typeOnly: isTypeOnly(match as RegExpExecArray),
      line: lineOf(code, match.index + match[0].search(/\S/)),
    })),
  );
}

function commentBefore(text: string, offset: number): string {
  const before = text.slice(0, offset).replace(/(?:\n[ \t]*\/\/[^\n]*)+\n$/, '\n');
  return /\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*$/.exec(before)?.[0] ?? '';
}

function findDeclarations(text: string, code: string): Declaration[] {
  const pattern =
    /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(function|class|interface|type|const|let|var|enum|namespace|module)\b\*?\s*(?:enum\s+)?([\w$]+|[{[])/gm;
  return [...code.matchAll(pattern)]
    .map((match) => ({
      kind: match[1] ?? '',
      name: match[2] ?? '',
      comment: commentBefore(text, match.index),
      line: lineOf(code, match.index),
    }))
    .filter(({ kind, name }) => !(kind === 'type' && name === '{'));
}

/** Reads one file into what the rules ask for. */
export function parseSource(path: string, text: string): SourceFile {
  const code = withoutComments(text);
  return { path, text, code, imports: findImports(code), declarations: findDeclarations(text, code) };
}

/** Where a relative import leads, relative to `src`; undefined for packages. */
export function resolveImport(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  const parts = from.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/').replace(/\.js$/, '.ts');
}

/** The part (folder directly under `src`) that a file belongs to; undefined for the files at the top. */
export function partOf(path: string): string | undefined {
  return path.includes('/') ? path.split('/', 1)[0] : undefined;
}
