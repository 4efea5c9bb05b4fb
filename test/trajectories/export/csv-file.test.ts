import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csvFile, neutralised } from '../../../src/trajectories/export/csv-file.js';
import type { ExportRow } from '../../../src/trajectories/export/export-row.js';
import { hostileText } from '../../support/hostile-text.js';
import { csvRecords } from './csv-records.js';

const fields = ['notes', 'reward', 'is_bookmarked', 'tags', 'category', 'extra', 'step_count'];
const record = (value: unknown) => Buffer.from(JSON.stringify({ extra: value }));
const rowOf = (notes: string, reward: number, extra: unknown = null): ExportRow => ({
  row: { notes, reward, is_bookmarked: reward > 0, tags: [notes], step_count: 3, record_json: record(extra) },
  note: { category: notes, rootCause: '' },
});

function write(rows: ExportRow[], wanted: string[] = fields): string {
  const file = csvFile(wanted);
  return Buffer.concat([file.start(), file.add(rows), file.end()]).toString();
}

describe('a CSV file', () => {
  test('gives every text back, formulas with a quote in front', () => {
    const begins = fc.constantFrom('', '=', '+', '-', '@', '\t', '\r', '＝', '＠', "'=", ' =', '\n=');
    const text = fc.tuple(begins, hostileText).map((parts) => parts.join(''));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(text, fc.double({ noNaN: true, noDefaultInfinity: true })), { maxLength: 6 }),
        (given) => {
          const [header, ...records] = csvRecords(write(given.map(([notes, reward]) => rowOf(notes, reward, notes))));
          expect(header).toEqual(fields);
          const safe = (value: string) => (/^[=+\-@\t\r\n＝＋－＠]/.test(value) ? `'${value}` : value);
          expect(records).toEqual(
            given.map(([notes, reward]) => [
              safe(notes),
              String(reward),
              String(reward > 0),
              JSON.stringify([notes]),
              safe(notes),
              safe(notes),
              '3',
            ]),
          );
        },
      ),
      { seed: 41, numRuns: 300 },
    );
  });

  test('keeps numbers numbers and writes lists and objects as JSON', () => {
    const [, ...records] = csvRecords(write([rowOf('', -1.5, { a: [1] }), rowOf('', 1e-7, [true]), rowOf('', 0, -2)]));
    expect(records.map((cells) => [cells[1], cells[5]])).toEqual([
      ['-1.5', '{"a":[1]}'],
      ['1e-7', '[true]'],
      ['0', "'-2"],
    ]);
    expect(neutralised(-1)).toBe(-1);
    for (const begin of ['=', '+', '-', '@', '\t', '\r', '\n', '＝'])
      expect(neutralised(`${begin}1+1`)).toBe(`'${begin}1+1`);
  });

  test('neutralises the names of columns too, and has a header without rows', () => {
    expect(write([], ['=cmd()', '__proto__', 'a,b'])).toBe(`'=cmd(),__proto__,"a,b"\r\n`);
    expect(write([])).toBe(`${fields.join(',')}\r\n`);
  });
});
