import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordSplitter } from '../../../../src/trajectories/import/source/record-splitter.js';
import type { SplitterLimits } from '../../../../src/trajectories/import/source/text-reader.js';
import { formats, rawRecords } from '../records.js';

interface Split {
  values: unknown[];
  places: string[];
  faults: string[];
}

const small: SplitterLimits = { maxRecordBytes: 4096, maxDepth: 128, maxQuickLineBytes: 512 };

/** Splits the text given in pieces of the given lengths (the last one repeated). */
function split(text: string | Buffer, lengths: number[] = [65_536], limits?: SplitterLimits, cut?: string): Split {
  const found: Split = { values: [], places: [], faults: [] };
  const splitter = new RecordSplitter(
    {
      record(value, place) {
        found.places.push(place());
        found.values.push(value);
      },
      fault: (reason, place) => void found.faults.push(`${place}: ${reason}`),
    },
    limits,
  );
  const bytes = Buffer.from(text);
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = Math.max(1, lengths[Math.min(i, lengths.length - 1)]!);
    splitter.push(Buffer.from(bytes.subarray(at, at + length)));
    at += length;
  }
  splitter.end(cut);
  return found;
}

const line = (value: unknown) => `${JSON.stringify(value)}\n`;
const [a, b, c] = rawRecords(3) as [object, object, object];

describe('every format', () => {
  const records = rawRecords(12);

  it.each(Object.keys(formats))('%s gives the records in order, whatever the pieces', (format) => {
    const text = formats[format]!(records);
    for (const pieces of [[1_000_000], [1], [7], [3, 5, 11, 1000], [64, 1]]) {
      for (const limits of [undefined, small]) {
        const found = split(text, pieces, limits);
        expect(found.faults).toEqual([]);
        expect(found.values).toEqual(records);
      }
    }
  });

  it.each(Object.keys(formats))('%s may begin with a byte order mark, spaces and blank lines', (format) => {
    const text = `\ufeff \r\n\n${formats[format]!(records)}\n\n`;
    expect(split(text).values).toEqual(records);
    expect(split(text, [2, 1]).values).toEqual(records);
  });

  it('reads lines that end with CRLF, and a last line without an end', () => {
    expect(split(`${JSON.stringify(a)}\r\n\r\n${JSON.stringify(b)}`)).toMatchObject({
      values: [a, b],
      places: ['Line 1', 'Line 3'],
      faults: [],
    });
  });

  it('names places by line and index in JSONL', () => {
    const text = line({ iteration: '0', trajectories: [a, b] }) + line(c) + line({ trajectories: [a] });
    expect(split(text).places).toEqual(['Line 1[0]', 'Line 1[1]', 'Line 2', 'Line 3[0]']);
    expect(split(line({ iteration: '0', trajectories: [a] })).places).toEqual(['Line 1[0]']);
    expect(split(line({ trajectories: [a], iteration: 3 })).places).toEqual(['Line 1[0]']);
    expect(split(line(a)).places).toEqual(['Line 1']);
  });

  it('names places by record elsewhere', () => {
    for (const format of ['array', 'object', 'pretty', 'object over lines', 'indented array']) {
      expect(split(formats[format]!(records.slice(0, 3))).places, format).toEqual(['Record 1', 'Record 2', 'Record 3']);
    }
  });

  it('reads objects on one line one after another, and indented wrappers', () => {
    expect(split(JSON.stringify(a) + JSON.stringify(b))).toMatchObject({ values: [a, b], faults: [] });
    const wrappers = [{ iteration: '0', trajectories: [a, b] }, { trajectories: [c] }];
    expect(split(wrappers.map((w) => JSON.stringify(w, null, 4)).join('\n')).values).toEqual([a, b, c]);
    expect(split(JSON.stringify(wrappers)).values).toEqual([a, b, c]);
  });

  it('finds nothing in nothing', () => {
    for (const text of ['', '\n', '  \r\n\n', '[]', '{"trajectories": []}', '\ufeff']) {
      expect(split(text), JSON.stringify(text)).toEqual({ values: [], places: [], faults: [] });
    }
  });

  it('takes a wrapper whose key is written with escapes', () => {
    expect(split(`{"traj\\u0065ctories": [${JSON.stringify(a)}]}\n${line(b)}`).values).toEqual([a, b]);
  });
});

describe('bad text', () => {
  it.each([
    'not json',
    '{"a": 1',
    '{',
    '{"a": "unended',
    '{"a": "unended\\',
    '{"a": [1, 2}',
    '{"a": 1} trailing words here',
    '{"steps": [{}, ',
    '{"a":',
    '}',
    ']',
    '{"a": NaN}',
    "{'a': 1}",
    '"',
    '\\',
  ])('the line %s is one fault wherever it stands, and stops nothing', (bad) => {
    const good = [JSON.stringify(a), JSON.stringify(b), JSON.stringify(c)];
    for (const at of [0, 1, 3]) {
      const lines = good.toSpliced(at, 0, bad);
      const found = split(lines.join('\n'), [17]);
      expect(found.values).toEqual([a, b, c]);
      expect(found.faults).toHaveLength(1);
      expect(found.faults[0]).toMatch(new RegExp(`^Line ${at + 1}: not valid JSON`));
    }
  });

  it('a line that is no UTF-8 is a named fault', () => {
    const bytes = Buffer.concat([
      Buffer.from(line(a)),
      Buffer.from([0x22, 0xff, 0xfe, 0x22, 0x0a]),
      Buffer.from(line(b)),
    ]);
    expect(split(bytes)).toMatchObject({ values: [a, b], faults: ['Line 2: expected UTF-8 text, got other bytes'] });
  });

  it('UTF-16 is one fault', () => {
    const bytes = Buffer.from(`\ufeff${line(a)}${line(b)}`, 'utf16le');
    expect(split(bytes).faults).toEqual(['Line 1: expected UTF-8 text, got UTF-16']);
    expect(split(bytes, [1]).values).toEqual([]);
  });

  it('values that are no objects are handed on to be refused by their place', () => {
    expect(split(`3\n"x"\n${line(a)}null\n`)).toMatchObject({
      values: [3, 'x', a, null],
      places: ['Line 1', 'Line 2', 'Line 3', 'Line 4'],
    });
    expect(split(`[${JSON.stringify(a)}, 3, "x]", null, ${JSON.stringify(b)}]`)).toMatchObject({
      values: [a, b],
      faults: ['Record 2: expected an object', 'Record 3: expected an object', 'Record 4: expected an object'],
    });
  });

  it('of a broken line with a list the whole records count', () => {
    const wrapper = JSON.stringify({ iteration: '1', trajectories: [a, b, c] });
    const found = split(`${wrapper.slice(0, -40)}\n${line(c)}`);
    expect(found).toMatchObject({ values: [a, b, c], faults: ['Line 1[2]: the text ends inside this record'] });
    const broken = wrapper.replace('"data_id":"q1"', '"data_id":q1');
    expect(split(`${broken}\n`).faults).toEqual([expect.stringMatching(/^Line 1\[1\]: not valid JSON/)]);
    expect(split(`${broken}\n`).values).toEqual([a, c]);
    expect(split(`${wrapper.slice(0, -1)},"x":}\n`)).toMatchObject({
      values: [a, b, c],
      faults: [expect.stringMatching(/^Line 1: not valid/)],
    });
  });

  it('a record cut off in the middle of an indented file costs only itself', () => {
    const texts = [a, b, c].map((record) => JSON.stringify(record, null, 2));
    for (let keep = 2; keep < texts[1]!.split('\n').length; keep++) {
      const cut = texts[1]!.split('\n');
      const text = [texts[0], cut.slice(0, keep).join('\n'), texts[2]].join('\n');
      const found = split(text, [13]);
      expect(found.values).toContainEqual(a);
      expect(found.values).toContainEqual(c);
      expect(found.faults).toHaveLength(1);
    }
  });

  it('of a file that ends early the whole records count, and the rest is one fault', () => {
    for (const [format, make] of Object.entries(formats)) {
      const text = Buffer.from(make(rawRecords(6)));
      for (let length = 5; length < text.length - 3; length += 211) {
        const found = split(text.subarray(0, length), [50]);
        expect(found.faults.length, `${format} ${length}`).toBeLessThanOrEqual(1);
        const whole = rawRecords(6).slice(0, found.values.length);
        expect(found.values).toEqual(whole);
        const withReason = split(text.subarray(0, length), [50], small, 'the gzip data is cut off');
        expect(withReason.faults, `${format} ${length}`).toHaveLength(1);
        expect(withReason.faults[0]).toMatch(/^(Line|Record) \d+(\[\d+\])?: the gzip data is cut off$/);
      }
    }
  });

  it('nesting beyond the limit is refused before it is parsed, in short lines by the parsed depth', () => {
    const deep = `{"a":${'['.repeat(2000)}${']'.repeat(2000)}}`;
    expect(split(`${deep}\n${line(a)}`, [999], small)).toMatchObject({
      values: [a],
      faults: ['Line 1: nested deeper than 128 levels'],
    });
    expect(split(`[${deep},${JSON.stringify(a)}]`)).toMatchObject({
      values: [a],
      faults: ['Record 1: nested deeper than 128 levels'],
    });
    expect(split(`[${'['.repeat(100_000)}`).faults).toEqual(['Record 1: the text ends inside this record']);
  });

  it('a record beyond the size limit is refused by name and skipped', () => {
    const large = { ...a, blob: 'x'.repeat(5000) };
    const limit = 'larger than 0.00390625 MiB';
    expect(split(line(b) + line(large) + line(c), [100], small)).toMatchObject({
      values: [b, c],
      faults: [`Line 2: ${limit}`],
    });
    expect(split(JSON.stringify([b, large, c]), [100], small)).toMatchObject({
      values: [b, c],
      faults: [`Record 2: ${limit}`],
    });
    const long = line({ iteration: '0', trajectories: [b, large, c] });
    expect(split(long + line(a), [100], small)).toMatchObject({ values: [b, c, a], faults: [`Line 1[1]: ${limit}`] });
  });

  it('any change of any byte is read without an exception, and records before it are whole', () => {
    const texts = Object.values(formats).map((make) => Buffer.from(make(rawRecords(4))));
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.nat(),
        fc.nat(255),
        fc.array(fc.nat(300), { minLength: 1 }),
        (text, at, byte, pieces) => {
          const bytes = Buffer.from(text);
          bytes[at % bytes.length] = byte;
          const once = split(bytes, [bytes.length], small);
          const inPieces = split(bytes, pieces, small);
          expect(inPieces).toEqual(once);
          expect(once.values.length + once.faults.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 600, seed: 11 },
    );
  });
});

it('holds no more than a little of a text of 100 MB, on one line or many', () => {
  const record = JSON.stringify({ ...a, blob: 'x'.repeat(4000) });
  const total = Math.ceil(100_000_000 / record.length);
  for (const [begin, between, end] of [
    ['', '\n', '\n'],
    ['{"iteration":"0","trajectories":[', ',', ']}\n'],
  ] as const) {
    let count = 0;
    let peak = 0;
    const splitter = new RecordSplitter({
      record() {
        count += 1;
      },
      fault: (reason) => expect.unreachable(reason),
    });
    const before = process.memoryUsage().heapUsed + process.memoryUsage().external;
    splitter.push(Buffer.from(begin));
    const piece = (records: number) => Buffer.from(Array(records).fill(record).join(between));
    for (let i = 0; i < total; i += 60) {
      splitter.push(piece(Math.min(60, total - i)));
      if (i + 60 < total) splitter.push(Buffer.from(between));
      if (i % 1200 === 0) peak = Math.max(peak, process.memoryUsage().heapUsed + process.memoryUsage().external);
    }
    splitter.push(Buffer.from(end));
    splitter.end();
    expect(count).toBe(total);
    expect(peak - before).toBeLessThan(120_000_000);
  }
});

describe('a record that has an empty list named trajectories', () => {
  const first = { trajectories: [], ...a, after: [1] };
  const last = { ...b, deep: { trajectories: [c] }, trajectories: [] };

  it.each(Object.keys(formats))('is a record in %s, whatever the pieces', (format) => {
    const records = [first, last, c] as Parameters<(typeof formats)[string]>[0];
    for (const pieces of [[1_000_000], [1], [7]]) {
      for (const limits of [undefined, small]) {
        expect(split(formats[format]!(records), pieces, limits)).toMatchObject({ faults: [], values: records });
      }
    }
  });

  it('is none when it does not name its id, nor when the list holds something', () => {
    for (const limits of [undefined, { ...small, maxQuickLineBytes: 8 }]) {
      expect(split(line({ trajectories: [], iteration: 1 }), [1], limits)).toEqual({
        values: [],
        places: [],
        faults: [],
      });
      expect(split(line({ trajectory_id: 'x', trajectories: [a] }) + line(b), [9], limits).values).toEqual([a, b]);
    }
  });
});

it('blank lines are passed over without being read as records', () => {
  let asked = 0;
  const faults: string[] = [];
  const splitter = new RecordSplitter({
    text: () => {
      asked += 1;
      return 0;
    },
    record() {},
    fault: (_reason, place) => void faults.push(place),
  });
  splitter.push(Buffer.from(`{}\n${'\n \r\n'.repeat(100)}x`));
  splitter.end();
  expect([asked, faults]).toEqual([2, ['Line 202']]);
});
