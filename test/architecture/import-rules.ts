import { partOf, resolveImport, type SourceFile } from './source-file.js';

/** A rule answers one line for each violation. */
export type SourceRule = (files: SourceFile[]) => string[];

/** Everybody may use these parts; app, main and the command line build the product from all of them. */
const openParts = new Set(['lance', 'http', 'upstream', 'scheduler']);
const builders = (path: string) => path === 'app.ts' || path === 'main.ts' || partOf(path) === 'cli';
/** They may name the types of other parts: metrics those of their events, the client those of their schemas. */
const readers = new Set(['metrics', 'client']);

const ownImports = (files: SourceFile[]) =>
  files.flatMap((file) =>
    file.imports.flatMap((found) => {
      const target = resolveImport(file.path, found.specifier);
      return target === undefined ? [] : [{ ...found, from: file.path, target, at: `${file.path}:${found.line}` }];
    }),
  );

/** Values may not import each other in a circle; types may, since they are gone when the program runs. */
export const noValueImportCycle: SourceRule = (files) => {
  const edges = new Map<string, string[]>();
  for (const { from, target, typeOnly } of ownImports(files)) {
    if (!typeOnly) edges.set(from, [...(edges.get(from) ?? []), target]);
  }
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, trail: string[]) => {
    const start = trail.indexOf(file);
    if (start >= 0) cycles.push([...trail.slice(start), file].join(' -> '));
    if (start >= 0 || done.has(file)) return;
    for (const next of edges.get(file) ?? []) visit(next, [...trail, file]);
    done.add(file);
  };
  for (const file of edges.keys()) visit(file, []);
  return cycles;
};

/** What is imported exists, under its name ending in `.js`. */
export const importsLeadSomewhere: SourceRule = (files) => {
  const known = new Set(files.map((file) => file.path));
  return ownImports(files)
    .filter(({ target, specifier }) => !known.has(target) || !specifier.endsWith('.js'))
    .map(({ at, specifier }) => `${at} imports ${specifier}, which is no source file (write it with .js)`);
};

/** A part is entered through its index by outsiders, and never by its own files. */
export const partsAreEnteredThroughTheirIndex: SourceRule = (files) =>
  ownImports(files).flatMap(({ from, target, at }) => {
    const part = partOf(target);
    if (part === undefined) return [];
    const isIndex = target === `${part}/index.ts`;
    if (partOf(from) === part) return isIndex ? [`${at} imports the index of its own part`] : [];
    return isIndex ? [] : [`${at} reaches into ${target}; import ${part}/index.js`];
  });

/** Parts do not know each other, apart from those that everybody may use, and of readers types. */
export const partsAreStrangers: SourceRule = (files) =>
  ownImports(files).flatMap(({ from, target, at, typeOnly }) => {
    const [own, other] = [partOf(from), partOf(target)];
    if (builders(from) || other === undefined || own === other) return [];
    if (own === undefined || (readers.has(own) && typeOnly)) return [];
    // The client runs where the service is not: of its parts it takes types only.
    if (own !== 'client' && openParts.has(other)) return [];
    return [`${at} imports the part ${other}; let app.ts hand it over`];
  });

/** The files at the top carry everything else, so they import nothing of ours but each other's errors. */
export const topFilesStandAlone: SourceRule = (files) =>
  ownImports(files).flatMap(({ from, target, at }) => {
    if (partOf(from) !== undefined) {
      const isBuilt = target === 'main.ts' || (target === 'app.ts' && !builders(from));
      return isBuilt ? [`${at} imports ${target}`] : [];
    }
    return builders(from) || target === 'errors.ts' ? [] : [`${at} imports ${target}`];
  });

/** Some packages have one door: whoever else imports them, even a type, is named. */
export const packagesStayInTheirPart: SourceRule = (files) => {
  const homes: Record<string, string> = { 'prom-client': 'metrics', '@lancedb/lancedb': 'lance' };
  return files.flatMap((file) =>
    file.imports.flatMap(({ specifier, line }) => {
      const name = Object.keys(homes).find((home) => specifier === home || specifier.startsWith(`${home}/`));
      if (name === undefined || partOf(file.path) === homes[name]) return [];
      return [`${file.path}:${line} imports ${name}; only ${homes[name]}/ may`];
    }),
  );
};
