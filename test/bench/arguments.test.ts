import { expect, test } from 'vitest';
import { readArguments } from '../../bench/arguments.js';

const known = ['canvases', 'trajectories'];

test('without names all benches run; a document of its own is written only where one is named', () => {
  expect(readArguments([], known)).toMatchObject({ names: known, quick: false, out: undefined });
  expect(readArguments(['--quick', '--out', 'x.md'], known).out).toBe('x.md');
});

test('names run in their own order, each once', () => {
  expect(readArguments(['trajectories', 'canvases', 'canvases'], known).names).toEqual(known);
});

test('the command in the document is the one that makes its part again', () => {
  expect(readArguments(['--quick'], known).commandFor('canvases')).toBe('npm run bench -- canvases --quick');
});

test('an unknown name or option is refused by name', () => {
  expect(() => readArguments(['canvas'], known)).toThrow('expected names among canvases, trajectories, got canvas');
  expect(() => readArguments(['--fast'], known)).toThrow('--fast');
});

test('numbers of records are told apart by commas or by repeating the option', () => {
  const asked = readArguments(['trajectories', '--rows', '10000,100000', '--rows', '1000000'], known);
  expect(asked.rows).toEqual([10_000, 100_000, 1_000_000]);
  expect(asked.commandFor('trajectories')).toBe('npm run bench -- trajectories --rows 10000,100000,1000000');
  for (const rows of ['x', '0', '15', '1e9x', '-10']) {
    expect(() => readArguments([`--rows=${rows}`], known)).toThrow('expected a multiple of ten from 100');
  }
});

test('a sample is of a check, and settles itself what it compares', () => {
  expect(readArguments(['--check', '--sample'], known)).toMatchObject({ check: true, sample: true });
  for (const other of [['--sample'], ['--check', '--sample', 'canvases'], ['--sample', '--quick']])
    expect(() => readArguments(other, known)).toThrow('expected --sample with --check');
});

test('a check runs the amounts of the committed numbers', () => {
  expect(readArguments(['--check', 'canvases'], known)).toMatchObject({ check: true, names: ['canvases'] });
  for (const other of [['--quick'], ['--rows', '1000'], ['--out', 'x.md']]) {
    expect(() => readArguments(['--check', ...other], known)).toThrow('expected --check without');
  }
});
