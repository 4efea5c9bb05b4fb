import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Problem } from '../../src/errors.js';
import { closestName } from '../../src/optimizations/config/closest-name.js';
import { checkFlagConfig, defaultFlagConfig } from '../../src/optimizations/config/flag-config.js';
import { readYaml } from '../../src/optimizations/config/yaml-document.js';

const check = (text: string) => checkFlagConfig(readYaml(text));

function refusal(text: string): string {
  try {
    check(text);
  } catch (error) {
    if (error instanceof Problem) return error.message;
    throw error;
  }
  throw new Error('expected a refusal');
}

describe('the shipped configuration', () => {
  it('is what holds without a file, key by key', () => {
    const shipped = readFileSync(new URL('../../config/optimization.yaml', import.meta.url), 'utf8');
    expect(check(shipped)).toEqual(defaultFlagConfig);
    const document = readYaml(shipped);
    for (const [name, { settings }] of Object.entries(defaultFlagConfig.flags)) {
      for (const key of ['enabled', ...Object.keys(settings)]) {
        const line = document.lineOf(`/${name}/${key}`);
        expect(line, `${name}.${key} is written out`).toBeDefined();
        expect(shipped.split('\n')[(line ?? 0) - 2], `${name}.${key} is explained`).toMatch(/^ +# /);
      }
    }
  });
});

describe('a configuration is refused, naming key, expectation and line,', () => {
  it.each([
    ['for an unknown key', 'enabeld: true', 'enabeld: unknown key, did you mean "enabled"? (line 1)'],
    ['for an unknown setting', 'fast_json: {foo: 1}', 'fast_json.foo: unknown key, expected one of enabled (line 1)'],
    ['for a dashed name', '\ncanvas-cache: {}', 'canvas-cache: unknown key, did you mean "canvas_cache"? (line 2)'],
    ['for a wrong type', 'enabled: on', 'enabled: expected true or false, got "on" (line 1)'],
    [
      'for a section without content',
      'fast_json:',
      'fast_json: expected a section with "enabled" and settings, got nothing (line 1)',
    ],
    [
      'for a value for a section',
      'fast_json: true',
      'fast_json: expected a section with "enabled" and settings, got true (line 1)',
    ],
    [
      'for a list for a section',
      'fast_json: [1]',
      'fast_json: expected a section with "enabled" and settings, got a list (line 1)',
    ],
    ['for a section for a value', 'enabled: {a: 1}', 'enabled: expected true or false, got a section (line 1)'],
    [
      'for a fraction',
      'batch_writer: {window_ms: 1.5}',
      'batch_writer.window_ms: expected a whole number from 1 to 10000, got 1.5 (line 1)',
    ],
    [
      'for infinity',
      'batch_writer: {window_ms: .inf}',
      'batch_writer.window_ms: expected a whole number from 1 to 10000, got Infinity (line 1)',
    ],
    [
      'for no number',
      'batch_writer: {window_ms: .nan}',
      'batch_writer.window_ms: expected a whole number from 1 to 10000, got NaN (line 1)',
    ],
    ['for a number in quotes', 'batch_writer: {window_ms: "1"}', 'expected a whole number from 1 to 10000, got "1"'],
    [
      'above the range',
      'native_query: {row_id_cache_bytes: 1e30}',
      'row_id_cache_bytes: expected a whole number from 0 to 68719476736, got 1e+30',
    ],
    ['for __proto__', '__proto__: {enabled: false}', '__proto__: unknown key'],
    ['for __proto__ in a section', 'fast_json: {__proto__: 1}', 'fast_json.__proto__: unknown key'],
    ['for constructor', 'constructor: 1', 'constructor: unknown key'],
    ['for a key twice', 'enabled: true\nenabled: false', 'line 2: Map keys must be unique'],
    [
      'for an alias',
      'fast_json: {enabled: *x}',
      'fast_json.enabled: expected a value, got an anchor or alias (line 1)',
    ],
    ['for an anchor', 'fast_json: &x {enabled: true}', 'fast_json: expected a value, got an anchor or alias (line 1)'],
    ['for a merge key', '<<: {enabled: true}', '<<: unknown key'],
    ['for a tag', 'enabled: !!str true', 'enabled: expected a plain value, got one with a tag (line 1)'],
    ['for two documents', 'enabled: true\n---\nenabled: false', 'line 2: Source contains multiple documents'],
    ['for a key that is no text', '1: 2', 'expected names as keys'],
    ['for a key that is a section', '{a: 1}: 2', 'expected names as keys'],
    ['for text only', 'just words', 'file: expected "enabled" and a section for each optimisation, got "just words"'],
    ['for comments only', '# nothing\n', 'file: expected settings, got an empty file'],
    ['for tabs', 'fast_json:\n\tenabled: true', 'line 2: Tabs are not allowed as indentation'],
    ['for seven levels', 'a: {b: {c: {d: {e: {f: {g: 1}}}}}}', 'expected at most 6 levels of sections'],
  ])('%s', (_, text, message) => {
    expect(refusal(text)).toContain(message);
  });

  it('for several faults, all of them', () => {
    const text = 'enabled: 1\nfast_json: {enabled: 2}\nbatch_import: {batch_rows: 10001}\nfoo: 1\n';
    expect(refusal(text).match(/expected|unknown key/g)).toHaveLength(5);
  });

  it.each([
    ['brackets', '['.repeat(30_000)],
    ['braces', '{a: '.repeat(8000)],
    ['brackets behind a quote', `a: "]]" ${'['.repeat(8000)}`],
    ['lists in lists', '- '.repeat(16_000)],
    ['explicit keys', '? '.repeat(16_000)],
    ['tabs between', '-\t'.repeat(16_000)],
    ['indentation', Array.from({ length: 200 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
  ])('for endless nesting by %s, before the parser sees it', (_, text) => {
    expect(refusal(text)).toContain('expected at most 6 levels of sections');
  });

  it('for an alias bomb', () => {
    const names = 'abcdefghij'.split('');
    const lines = names.map((name, i) => `${name}: &${name} [${i === 0 ? '1' : `*${names[i - 1]}, `.repeat(9)}]`);
    expect(refusal(lines.join('\n'))).toContain('expected a value, got an anchor or alias');
  });
});

describe('any text', () => {
  it('is either a configuration or refused with a Problem', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'enabled',
        'fast_json',
        ': ',
        '\n',
        '  ',
        '- ',
        '[',
        ']',
        '{',
        '}',
        '&a ',
        '*a',
        '!!x ',
        '"',
        "'",
      ),
      fc.constantFrom(
        'true',
        '.inf',
        '1',
        '|',
        '>',
        '%',
        '#',
        '---\n',
        '? ',
        '<<',
        '__proto__',
        '\t',
        '\r',
        '\0',
        '日',
      ),
      fc.string({ maxLength: 5, unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        try {
          expect(check(pieces.join(''))).toHaveProperty('flags.fast_json.enabled');
        } catch (error) {
          expect(error).toBeInstanceOf(Problem);
        }
      }),
      { seed: 20261121, numRuns: 1500 },
    );
  });
});

describe('the closest name', () => {
  it('forgives a slip and does not guess wildly', () => {
    expect(closestName('native_qurey', ['native_query', 'fast_json'])).toBe('native_query');
    expect(closestName('FAST_JSON', ['native_query', 'fast_json'])).toBe('fast_json');
    expect(closestName('x', ['enabled'])).toBeUndefined();
    expect(closestName('e'.repeat(10_000), ['enabled'])).toBeUndefined();
  });
});
