import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ErrorKind } from '../src/errors.js';
import { statusOfKind } from '../src/http/problem.js';
import { createMetrics } from '../src/metrics/index.js';
import { readYaml } from '../src/optimizations/config/yaml-document.js';
import { flagNames, flagSettings, policyNames, policySettings } from '../src/optimizations/index.js';
import { settingDefaults } from '../src/settings.js';
import { readText, sourceFiles } from './architecture/repository.js';

/** The rows of the tables in a page whose first cell is a name in backquotes; that name, then the other cells. */
function tableRows(page: string): string[][] {
  expect(existsSync(new URL(`../${page}`, import.meta.url)), `${page} is written`).toBe(true);
  return readText(page)
    .split('\n')
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
    .filter((cells) => /^`[^`]+`$/.test(cells[1] ?? ''))
    .map(([, name = '', ...cells]) => [name.slice(1, -1), ...cells.slice(0, -1)]);
}

/**
 * The codes that a piece of source gives to problems, also where a condition chooses between two. Names of system
 * errors (`ENOSPC`), which have no underscore, are none.
 */
const codesIn = (source: string) =>
  [...source.matchAll(/\bcode: ([^\n]*)/g)]
    .flatMap((line) => [...(line[1] ?? '').matchAll(/'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)'/g)])
    .map((match) => match[1] ?? '')
    .filter((code) => !/^E[A-Z0-9]+$/.test(code));

const namesIn = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
const sorted = (names: Iterable<string>) => [...names].sort();

describe('docs/errors.md', () => {
  it('lists the code of every error, once, with its status', () => {
    const codes = sourceFiles().flatMap(({ code }) => codesIn(code));
    const rows = tableRows('docs/errors.md');
    expect(rows.map(([code]) => code).sort()).toEqual(sorted(new Set(codes)));
    for (const [code, status, meaning] of rows) {
      expect(status, code).toMatch(/^[45]\d\d$/);
      expect(meaning, code).toMatch(/\w/);
    }
  });

  it('says the status that the kind of each error is answered with', () => {
    const documented = new Map(tableRows('docs/errors.md').map(([code = '', status]) => [code, Number(status)]));
    // What was no request is answered apart, with a status of its own.
    const sources = sourceFiles().filter(({ path }) => path !== 'http/broken-request.ts');
    const made = sources.flatMap(({ code }) =>
      [...code.matchAll(/new Problem\(\{[^}]*?\}/g)].flatMap(([options]) => {
        const kinds = [...(/\bkind: ([^\n]*)/.exec(options)?.[1] ?? '').matchAll(/'([a-z_]+)'/g)].map(
          ([, kind]) => kind,
        );
        const statuses = kinds.map((kind) => statusOfKind[kind as ErrorKind]);
        return statuses.length === 0 ? [] : codesIn(options).map((name) => ({ name, statuses }));
      }),
    );
    expect(made.length).toBeGreaterThan(100);
    for (const { name, statuses } of made) expect(statuses, name).toContain(documented.get(name));
  });

  it('is compared with what the sources say, whatever way they choose a code', () => {
    const source = "new Problem({ code: 'A_B', kind })\ncode: full ? 'C_D' : 'INTERNAL',\n{ code: 'ENOSPC' }";
    expect(codesIn(source)).toEqual(['A_B', 'C_D', 'INTERNAL']);
  });

  it('can list every code: each is written out where the problem is made', () => {
    const hidden = sourceFiles()
      .filter(({ path }) => path !== 'errors.ts')
      .flatMap(({ path, code }) =>
        [...code.matchAll(/new Problem\(\{[^}]*?\}/g)]
          .map((match) => match[0])
          .filter((options) => codesIn(options).length === 0)
          .map((options) => `${path}: ${options}`),
      );
    expect(hidden).toEqual([]);
  });
});

describe('docs/settings.md', () => {
  it('lists every setting of the environment, once, with what it is when it is not set', () => {
    const rows = tableRows('docs/settings.md');
    const defaults = settingDefaults();
    expect(rows.map(([name]) => name).sort()).toEqual([...defaults.keys()].sort());
    for (const [name = '', value = '', meaning] of rows) {
      const known = defaults.get(name);
      if (known !== undefined) expect(value, name).toBe(`\`${known}\``);
      expect(meaning, name).toMatch(/\w/);
    }
  });
});

describe('docs/metrics.md', () => {
  it('describes every metric of the registry, with its type and labels, and no other', () => {
    const metrics = createMetrics('0.0.0');
    const measured = metrics.describe();
    metrics.close();
    const rows = tableRows('docs/metrics.md');
    expect(rows.map(([name]) => name).sort()).toEqual(sorted(measured.map(({ name }) => name)));
    for (const { name, type, labels } of measured) {
      const row = rows.find(([documented]) => documented === name) ?? [];
      expect({ name, type: row[1], labels: sorted(namesIn(row[2] ?? '')) }).toEqual({
        name,
        type,
        labels: sorted(labels),
      });
      expect(row[4], `the meaning of ${name}`).toMatch(/\w{3}/);
    }
  });

  it('names follow the conventions: one prefix, base units, counters end in _total', () => {
    const metrics = createMetrics('0.0.0');
    const own = metrics.describe().filter(({ name }) => !/^(?:process|nodejs)_/.test(name));
    metrics.close();
    for (const { name, type } of own) {
      expect(name).toMatch(/^canvas_[a-z0-9]+(?:_[a-z0-9]+)*$/);
      expect(name).not.toMatch(/_(?:ms|milliseconds|kb|mb|percent)\b/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
    }
  });
});

describe('the flags', () => {
  const settingsOf = Object.fromEntries(flagNames.map((name) => [name, sorted(Object.keys(flagSettings[name].shape))]));

  it('all have their section with all settings in config/optimization.yaml', () => {
    const { enabled, ...sections } = readYaml(readText('config/optimization.yaml')).value as Record<string, object>;
    expect(enabled).toBe(true);
    const written = Object.entries(sections).filter(([name]) => name in settingsOf);
    const names = written.map(([name, section]) => [
      name,
      sorted(Object.keys(section).filter((key) => key !== 'enabled')),
    ]);
    expect(Object.fromEntries(names)).toEqual(settingsOf);
    for (const [, section] of written) expect(section).toHaveProperty('enabled');
  });

  it('have what rules over them beside them in the file, with every key at the value that it has without it', () => {
    const { enabled, ...sections } = readYaml(readText('config/optimization.yaml')).value as Record<string, object>;
    const rules = Object.fromEntries(Object.entries(sections).filter(([name]) => !(name in settingsOf)));
    expect(rules).toEqual(Object.fromEntries(policyNames.map((name) => [name, policySettings[name].parse({})])));
  });

  it('all have their row with all settings in docs/optimizations.md', () => {
    const rows = tableRows('docs/optimizations.md').map(([name, , , settings = '']) => [
      name,
      sorted(namesIn(settings)),
    ]);
    expect(Object.fromEntries(rows)).toEqual(settingsOf);
  });
});

describe('docs/architecture.md', () => {
  const page = readText('docs/architecture.md');
  const parts = [...new Set(sourceFiles().flatMap(({ path }) => (path.includes('/') ? [path.split('/', 1)[0]] : [])))];

  it('has a room for each part, and shows each in its picture', () => {
    const rooms = [...page.matchAll(/^\| `src\/([a-z]+)\/`/gm)].map(([, name]) => name);
    expect(sorted(rooms as string[])).toEqual(sorted(parts as string[]));
    const picture = readText('docs/architecture.svg');
    for (const part of parts) expect(picture, part).toContain(`>${part}/`);
  });

  it('says where each optimisation and its baseline are', () => {
    const rows = tableRows('docs/architecture.md').map(([name]) => name);
    expect(rows).toEqual(expect.arrayContaining([...flagNames]));
  });
});
