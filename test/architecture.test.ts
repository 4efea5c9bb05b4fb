import { describe, expect, it } from 'vitest';
import {
  importsLeadSomewhere,
  noValueImportCycle,
  packagesStayInTheirPart,
  partsAreEnteredThroughTheirIndex,
  partsAreStrangers,
  type SourceRule,
  topFilesStandAlone,
} from './architecture/import-rules.js';
import { readText, sourceFiles, textFiles, topEntries } from './architecture/repository.js';
import {
  exactVersions,
  noMachinePaths,
  nothingIsLeftToDo,
  onlyThePublicRegistry,
  topLevelIsFixed,
} from './architecture/repository-rules.js';
import { parseSource, withoutComments } from './architecture/source-file.js';
import {
  environmentIsReadInSettings,
  exportsAreDeclared,
  exportsAreDocumented,
  exportsAreNamed,
  filesAreKebabCase,
  filesAreShort,
  foldersAreSmall,
  namesSayWhatIs,
  ownFilesAreFoundFromTheTop,
  seedsAreQuotedRightly,
} from './architecture/source-rules.js';

/** Sources made up for a test: path under src to text. */
const house = (files: Record<string, string>) => Object.entries(files).map(([path, text]) => parseSource(path, text));

interface Case {
  rule: SourceRule;
  broken: Record<string, string>[];
  fine: Record<string, string>[];
}

const manyFiles = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`a/f${i}.ts`, '']));

const cases: Record<string, Case> = {
  'no values import each other in a circle': {
    rule: noValueImportCycle,
    broken: [
      { 'a/x.ts': "import { y } from './y.js';", 'a/y.ts': "import { x } from './x.js';" },
      {
        'a/x.ts': "export * from './y.js';",
        'a/y.ts': "import './z.js';",
        'a/z.ts': "import {\n  x,\n} from './x.js';",
      },
      { 'a/x.ts': "import { type Y } from './y.js';", 'a/y.ts': "const x = await import('./x.js');" },
      { 'a/x.ts': "import * as x from './x.js';" },
    ],
    fine: [
      { 'a/x.ts': "import { y } from './y.js';", 'a/y.ts': "import type { X } from './x.js';" },
      { 'a/x.ts': "import { y } from './y.js';", 'a/y.ts': "export type { X } from './x.js';" },
      { 'a/x.ts': "import { y } from './y.js';", 'a/y.ts': "// import { x } from './x.js';" },
      { 'a/x.ts': "import { y } from './y.js';\nimport { z } from './z.js';", 'a/y.ts': "import { z } from './z.js';" },
    ],
  },
  'every import leads to a source file': {
    rule: importsLeadSomewhere,
    broken: [{ 'a/x.ts': "import { y } from './y.js';" }, { 'a/x.ts': "import { y } from './y';", 'a/y.ts': '' }],
    fine: [{ 'a/x.ts': "import { y } from './b/y.js';\nimport fs from 'node:fs';", 'a/b/y.ts': '' }],
  },
  'a part is entered through its index, by outsiders only': {
    rule: partsAreEnteredThroughTheirIndex,
    broken: [
      { 'a/x.ts': "import { y } from '../http/problem.js';" },
      { 'a/x.ts': "import type { Y } from '../http/problem.js';" },
      { 'app.ts': "import { y } from './canvases/deep/store.js';" },
      { 'a/x.ts': "import { y } from './index.js';" },
      { 'a/b/x.ts': "export { y } from '../index.js';" },
    ],
    fine: [
      { 'a/x.ts': "import { y } from '../http/index.js';\nimport { z } from './b/z.js';" },
      { 'a/b/x.ts': "import { Problem } from '../../errors.js';\nimport { z } from './index.js';" },
    ],
  },
  'parts do not import each other': {
    rule: partsAreStrangers,
    broken: [
      { 'canvases/x.ts': "import { y } from '../metrics/index.js';" },
      { 'canvases/x.ts': "import type { Y } from '../trajectories/index.js';" },
      { 'metrics/x.ts': "import { y } from '../canvases/index.js';" },
      { 'http/x.ts': "import { y } from '../canvases/index.js';" },
      { 'client/x.ts': "import { y } from '../http/index.js';" },
      { 'canvases/x.ts': "import { createClient } from '../client/index.js';" },
    ],
    fine: [
      { 'canvases/x.ts': "import { y } from '../http/index.js';\nimport { z } from '../lance/index.js';" },
      { 'metrics/x.ts': "import type { Y } from '../canvases/index.js';" },
      { 'client/x.ts': "import type { y } from '../canvases/index.js';" },
      { 'app.ts': "import { y } from './canvases/index.js';", 'cli/x.ts': "import { y } from '../canvases/index.js';" },
    ],
  },
  'the files at the top stand alone': {
    rule: topFilesStandAlone,
    broken: [
      { 'logger.ts': "import { s } from './settings.js';" },
      { 'optimization.ts': "import type { Flags } from './optimizations/index.js';" },
      { 'canvases/x.ts': "import { buildApp } from '../app.js';" },
      { 'cli/x.ts': "import '../main.js';" },
    ],
    fine: [
      { 'cli/x.ts': "import { buildApp } from '../app.js';" },
      { 'optimization.ts': "import { Problem } from './errors.js';", 'main.ts': "import { b } from './app.js';" },
    ],
  },
  'prom-client and LanceDB have one door': {
    rule: packagesStayInTheirPart,
    broken: [
      { 'http/x.ts': "import { Counter } from 'prom-client';" },
      { 'trajectories/x.ts': "import type { Table } from '@lancedb/lancedb';" },
      { 'metrics/x.ts': "const lance = await import('@lancedb/lancedb/dist/table');" },
    ],
    fine: [
      { 'metrics/x.ts': "import { Counter } from 'prom-client';", 'lance/x.ts': "export * from '@lancedb/lancedb';" },
    ],
  },
  'the environment is read in settings.ts': {
    rule: environmentIsReadInSettings,
    broken: [
      { 'main.ts': 'const port = process.env.PORT;' },
      { 'a/x.ts': "const port = process['env'].PORT;" },
      { 'a/x.ts': 'const { env } = process;' },
      { 'a/x.ts': "import { env } from 'node:process';" },
      { 'settings.ts': '', 'a/settings.ts': 'process.env' },
    ],
    fine: [
      { 'settings.ts': 'process.env.PORT', 'a/x.ts': '/** never process.env */\nprocess.environment; // process.env' },
    ],
  },
  'own files are found from the top': {
    rule: ownFilesAreFoundFromTheTop,
    broken: [
      { 'a/x.ts': "new URL('./y.md', import.meta.url)" },
      { 'a/x.ts': "readFileSync(\n  new URL(`./y.md`, import.meta.url),\n  'utf8')" },
    ],
    fine: [
      {
        'own-file.ts': 'new URL(path, import.meta.url)',
        'cli/x.ts': "new URL('../main.js', import.meta.url)",
        'a/x.ts': "ownFile('a/y.md');\ncreateRequire(import.meta.url)('y');",
      },
    ],
  },
  'files are short': {
    rule: filesAreShort,
    broken: [{ 'a/x.ts': 'x;\n'.repeat(301) }],
    fine: [{ 'a/x.ts': 'x;\n'.repeat(300) }],
  },
  'folders are small': {
    rule: foldersAreSmall,
    broken: [manyFiles(13)],
    fine: [{ ...manyFiles(12), 'a/b/x.ts': '' }],
  },
  'exports are named': {
    rule: exportsAreNamed,
    broken: [
      { 'a/x.ts': 'export default 1;' },
      { 'a/x.ts': 'export default function x() {}' },
      { 'a/x.ts': "export { x as default } from './y.js';" },
    ],
    fine: [{ 'a/x.ts': "// export default 1;\nimport fs from 'node:fs';\nexport const byDefault = 1;" }],
  },
  'exports stand at their declaration': {
    rule: exportsAreDeclared,
    broken: [{ 'a/x.ts': 'const x = 1;\nexport { x };' }, { 'a/x.ts': 'interface X {}\nexport type { X };' }],
    fine: [
      { 'a/x.ts': "export { x } from './x.js';\nexport type {\n  Y,\n} from './y.js';\nexport const z = { z: 1 };" },
    ],
  },
  'every exported symbol has its source': {
    rule: exportsAreDocumented,
    broken: [
      { 'a/x.ts': 'export const x = 1;' },
      { 'a/x.ts': '/** Does something. */\nexport async function x() {}' },
      { 'a/x.ts': '// @source story-17.4\nexport interface X {}' },
      { 'a/x.ts': '/** @source story-17.4 */\nconst y = 1;\nexport type X = 1;' },
      { 'a/x.ts': '/** Empty. @source */\nexport abstract class X {}' },
      { 'a/x.ts': "/** @source x */\nexport const text = '/** @source x */';\nexport enum X {}" },
      { 'a/x.ts': 'export declare namespace X {}' },
      { 'a/x.ts': 'export const [a, b] = pair;' },
      { 'a/x.ts': 'export const enum X {}' },
    ],
    fine: [
      { 'a/x.ts': '/**\n * Does it.\n * @source story-17.4 AC2\n */\nexport const x = 1;\nconst y = 1;' },
      { 'a/x.ts': '/** @source RFC 9110 */\n// biome-ignore lint/x: why\nexport class X {}' },
      { 'a/x.ts': '/** @source RFC 9110 */\nexport function x(): 1;\nexport function x(y?: 1) {}' },
      { 'a/index.ts': "export { x } from './x.js';" },
    ],
  },
  'what is said to be from a seed is in it': {
    rule: seedsAreQuotedRightly,
    broken: [
      { 'a/x.ts': '/** @source story-17.4 AC9 */' },
      { 'a/x.ts': '/** @source story-17.4 task 10 */' },
      { 'a/x.ts': ' * @source product contract; story-17.4 ADR-0005 (bytes)' },
      { 'a/x.ts': '/** @source trajectory-optimization 2.2-F */' },
      { 'a/x.ts': '/** @source trajectory-optimization 1.4 */' },
      { 'a/x.ts': '/** @source story-17.5 AC1 */' },
    ],
    fine: [
      {
        'a/x.ts':
          '/** @source story-17.4 AC8; story-17.4 tasks 1 to 8, ADR-0010 */\n/** @source story-17.4 Dev Notes (`x`) */',
        'a/y.ts': ' * @source trajectory-optimization 2.2-E (paging); trajectory-optimization 1 (10,000); story-17.4',
      },
    ],
  },
  'names say what a thing is': {
    rule: namesSayWhatIs,
    broken: [
      { 'a/types.ts': '' },
      { 'a/string-utils.ts': '' },
      { 'common/x.ts': '' },
      { 'a/x.ts': 'class CacheManager {}' },
      { 'a/x.ts': 'const pathHelpers = {};' },
      { 'a/x.ts': 'interface ICanvas {}' },
      { 'a/x.ts': 'type CommonOptions = {};' },
      { 'a/x.ts': 'function makeService() {}' },
    ],
    fine: [{ 'a/x.ts': 'interface ImportTask {}\nconst utilization = 1;\nclass IOError {}\n// class CacheManager {}' }],
  },
  'files are named in kebab-case': {
    rule: filesAreKebabCase,
    broken: [{ 'a/canvasStore.ts': '' }, { 'a/Canvas.ts': '' }, { 'a/canvas_store.ts': '' }, { 'aB/x.ts': '' }],
    fine: [{ 'a/canvas-store.ts': '', 'a/canvas-reader.baseline.ts': '', 'a/sha-256/x.ts': '', 'app.ts': '' }],
  },
};

describe.each(Object.entries(cases))('%s', (_, { rule, broken, fine }) => {
  it('in this house', () => {
    expect(rule(sourceFiles())).toEqual([]);
  });

  it.each(broken)('which this breaks: %j', (files) => {
    expect(rule(house(files))).toHaveLength(1);
  });

  it.each(fine)('which this keeps: %j', (files) => {
    expect(rule(house(files))).toEqual([]);
  });
});

describe('a source file', () => {
  it('is read without its comments, and with its strings', () => {
    const code = withoutComments("a('http://x'); // one\nb(/[/'\"]/); /* two\n three */ c(`//d`);");
    expect(code).toBe("a('http://x');       \nb(/[/'\"]/);       \n          c(`//d`);");
  });

  it('names each import with its line, across lines and in every form', () => {
    const { imports } = parseSource(
      'a/x.ts',
      "import a, {\n  b,\n} from './b.js';\nimport type { C } from './c.js';\nimport './d.js';\nexport * from './e.js';\nconst f = await import('./f.js');\n",
    );
    expect(imports.map(({ specifier, typeOnly, line }) => [specifier, typeOnly, line])).toEqual([
      ['./b.js', false, 1],
      ['./c.js', true, 4],
      ['./e.js', false, 6],
      ['./d.js', false, 5],
      ['./f.js', false, 7],
    ]);
  });
});

describe('the repository', () => {
  const file = (text: string, path = 'docs/x.md') => [{ path, text }];

  it('leaves nothing to do in its texts', () => {
    expect(nothingIsLeftToDo(textFiles())).toEqual([]);
    for (const word of ['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X']) {
      expect(nothingIsLeftToDo(file(`one\n// ${word}: later`))).toEqual([`docs/x.md:2 says: ${word}`]);
    }
    expect(nothingIsLeftToDo(file('todos, mkdtemp XXXXXX'))).toEqual([]);
  });

  it('knows no machine', () => {
    expect(noMachinePaths(textFiles())).toEqual([]);
    for (const folder of ['work', 'root', 'tmp']) {
      expect(noMachinePaths(file(`see /${folder}/main`))).toHaveLength(1);
      expect(noMachinePaths(file(`'file:///${folder}/main'`))).toHaveLength(1);
      expect(noMachinePaths(file(`src/${folder}/x, ../${folder}/x, $\{dir}/${folder}/`))).toEqual([]);
    }
  });

  it('installs from the public registry', () => {
    expect(onlyThePublicRegistry(textFiles())).toEqual([]);
    const lock = (url: string) => onlyThePublicRegistry(file(`"resolved": "${url}"`, 'package-lock.json'));
    expect(lock('http://mirror.example/x.tgz')).toHaveLength(1);
    expect(lock('https://registry.npmjs.org/x/-/x-1.0.0.tgz')).toEqual([]);
    expect(onlyThePublicRegistry(file('engine-strict=true\nregistry=http://mirror.example', '.npmrc'))).toHaveLength(1);
  });

  it('names exact versions', () => {
    expect(exactVersions(JSON.parse(readText('package.json')))).toEqual([]);
    expect(exactVersions({ dependencies: { a: '^1.0.0', b: '1.0.0' } })).toHaveLength(1);
    expect(exactVersions({ devDependencies: { a: 'latest' }, overrides: { b: { c: '>=1' } } })).toHaveLength(2);
    expect(exactVersions({ dependencies: { a: '1.0.0-rc.1' } })).toEqual([]);
  });

  it.each([
    ['its benches', /^bench\/.*\.ts$/],
    ['the page of its dashboard', /^src\/metrics\/dashboard\/page\/.*\.js$/],
  ])('says in %s, too, where each exported symbol comes from', (_, where) => {
    const files = textFiles()
      .filter(({ path }) => where.test(path))
      .map(({ path, text }) => parseSource(path, text));
    expect(files.length).toBeGreaterThan(10);
    expect([...exportsAreDocumented(files), ...seedsAreQuotedRightly(files)]).toEqual([]);
  });

  it('builds the entry of each of its threads', () => {
    const { bundle } = JSON.parse(readText('package.json')).scripts;
    const scripts = sourceFiles().flatMap(({ code }) => [...code.matchAll(/\bownFile\('([^']+)\.js'\)/g)]);
    expect(scripts.length).toBeGreaterThan(2);
    for (const [, entry] of scripts) expect(bundle).toContain(` src/${entry}.ts `);
  });

  it('has a fixed top level', () => {
    expect(topLevelIsFixed(topEntries())).toEqual([]);
    expect(topLevelIsFixed(['src', '.ci', 'notes.txt', 'scripts'])).toHaveLength(2);
  });

  it('has tests that replace modules run apart: beside others they would find the real ones loaded already', () => {
    const apart = readText('test/vitest.config.ts');
    const replacing = textFiles().filter(({ path, text }) => path.endsWith('.test.ts') && /^vi\.mock\(/m.test(text));
    expect(replacing.length).toBeGreaterThan(1);
    expect(replacing.map(({ path }) => path).filter((path) => !apart.includes(`'${path}'`))).toEqual([]);
  });

  it('is seen: the walk finds sources, tests and dotfiles, and no packages', () => {
    const paths = textFiles().map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['src/errors.ts', 'test/architecture.test.ts', '.npmrc']));
    expect(paths.filter((path) => path.includes('node_modules'))).toEqual([]);
    const sources = sourceFiles();
    expect(sources.find(({ path }) => path === 'optimization.ts')?.imports.map(({ specifier }) => specifier)).toEqual([
      './errors.js',
    ]);
    expect(sources.flatMap(({ declarations }) => declarations).length).toBeGreaterThan(20);
  });
});
