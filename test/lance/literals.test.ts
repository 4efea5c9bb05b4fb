import { Field, Float64, Int32, Schema, Utf8 } from 'apache-arrow';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  booleanLiteral,
  containsPattern,
  integerLiteral,
  likeEscape,
  listLiteral,
  numberLiteral,
  openDatabase,
  stringLiteral,
  wildcardPattern,
} from '../../src/lance/index.js';
import { temporaryFolder } from '../support/folder.js';
import { hostileText } from '../support/hostile-text.js';

const schema = new Schema([
  new Field('text', new Utf8(), false),
  new Field('number', new Float64(), false),
  new Field('whole', new Int32(), false),
]);

async function tableOf(rows: { text?: string; number?: number; whole?: number }[]) {
  const database = await openDatabase(await temporaryFolder());
  const table = await database.openTable('literals', schema);
  await table.add(rows.map((row) => ({ text: '', number: 0, whole: 0, ...row })));
  return table;
}

const texts = fc.sample(hostileText, { numRuns: 300, seed: 17 });

test('any text finds exactly itself', async () => {
  const stored = [...new Set(texts)];
  const table = await tableOf(stored.map((text) => ({ text })));
  for (const text of stored) {
    expect([text, await table.countRows(`text = ${stringLiteral(text)}`)]).toEqual([text, 1]);
    const found = await table
      .query()
      .where(`text IN ${listLiteral([text])}`)
      .select(['text'])
      .toArrow();
    expect(found.getChild('text')?.get(0)).toBe(text);
  }
});

test('a text in a pattern stands for itself and nothing else', async () => {
  const stored = [...new Set(texts)];
  const table = await tableOf(stored.map((text) => ({ text })));
  for (const text of stored.slice(0, 120)) {
    expect([text, await table.countRows(`text LIKE ${stringLiteral(likeEscape(text))}`)]).toEqual([text, 1]);
    const containing = stored.filter((other) => other.includes(text)).length;
    expect([text, await table.countRows(`text LIKE ${containsPattern(text)}`)]).toEqual([text, containing]);
  }
});

test('only the asterisk is a wildcard', async () => {
  const table = await tableOf(['a%c', 'abc', 'a_c', 'a\\c', 'a*c', 'ABC', 'a\nc'].map((text) => ({ text })));
  const count = (pattern: string) => table.countRows(`text LIKE ${wildcardPattern(pattern)}`);
  expect(await count('a%c')).toBe(1);
  expect(await count('a_c')).toBe(1);
  expect(await count('a\\c')).toBe(1);
  expect(await count('a*c')).toBe(6);
  expect(await count('*')).toBe(7);
});

test('numbers are compared to the last bit', async () => {
  const numbers = [0, 1, -1, 0.1, 1 / 3, 5e-324, -5e-324, 1.7976931348623157e308, 1e21, 123456789012345680000, -2.5e-7];
  const table = await tableOf(numbers.map((number) => ({ number })));
  for (const number of numbers) {
    expect([number, await table.countRows(`number = ${numberLiteral(number)}`)]).toEqual([number, 1]);
    const above = numbers.filter((other) => other > number).length;
    expect([number, await table.countRows(`number > ${numberLiteral(number)}`)]).toEqual([number, above]);
  }
});

test('whole numbers reach from one end of 32 bits to the other', async () => {
  const ends = [-(2 ** 31), 0, 2 ** 31 - 1];
  const table = await tableOf(ends.map((whole) => ({ whole })));
  for (const end of ends) expect(await table.countRows(`whole = ${integerLiteral(end)}`)).toBe(1);
});

test('what has no literal is refused before it reaches a filter', () => {
  for (const value of [Number.NaN, Infinity, -Infinity]) expect(() => numberLiteral(value)).toThrow(RangeError);
  for (const value of [0.5, 2 ** 31, -(2 ** 31) - 1, Number.NaN])
    expect(() => integerLiteral(value)).toThrow(RangeError);
  expect(() => listLiteral([])).toThrow(RangeError);
  expect(numberLiteral(-0)).toBe('-0e+0');
  expect([booleanLiteral(true), booleanLiteral(false)]).toEqual(['true', 'false']);
});
