import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CompactText } from '../../../../src/trajectories/import/text/compact-text.js';
import { jsonText } from './json-texts.js';

const copy = new CompactText();

function compacted(text: string): string | undefined {
  copy.begin(Buffer.from(text));
  if (!copy.value(0) || !copy.isAtEnd) return undefined;
  return copy.copied(0, copy.mark()).toString();
}

function stringified(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(Buffer.from(text).toString()));
  } catch {
    return undefined;
  }
}

const steps = (text: string): string | undefined => {
  copy.begin(Buffer.from(text));
  return copy.objects(0, true) >= 0 && copy.isAtEnd ? copy.copied(0, copy.mark()).toString() : undefined;
};

describe('a copy of JSON text', () => {
  it('is what parsing and writing it gives, or is not made at all', () => {
    let made = 0;
    fc.assert(
      fc.property(jsonText, (text) => {
        const found = compacted(text);
        if (found === undefined) return;
        made += 1;
        expect(found).toBe(stringified(text));
      }),
      { seed: 20_261_122, numRuns: 3000 },
    );
    expect(made).toBeGreaterThan(500);
  });

  it.each([
    '{"a":1,"b":[true,false,null,"x"],"c":{}}',
    `{"role": "user",\t"content" : "${'long '.repeat(100)}"}\r`,
    '[ ]',
    '{ }',
    '"\\u4e2d\\u6587 \\ud83d\\ude00 \\u00E9 \\u0041 \\/ \\n \\u001f"',
    '[0, -1, 12.5, 0.5, 1.0, 1e3, 0.05, -0, 123456789012345678]',
    '{"":1,"__proto__":2,"constructor":3}',
  ])('%s is made', (text) => {
    expect(compacted(text)).toBe(stringified(text));
    expect(compacted(text)).toBeDefined();
  });

  it.each([
    ['a key that comes twice', '{"a":1,"b":2,"a":3}'],
    ['a key that counts as a number', '{"b":1,"1":2}'],
    ['a key with an escape', '{"\\u0061":1}'],
    ['half a surrogate pair', '"\\ud83d"'],
    ['a number beyond a double', '[1e400]'],
    ['numbers that are written much longer', `[${'1e20,'.repeat(1000)}0]`],
    ['nesting that is deep', `${'['.repeat(100)}${']'.repeat(100)}`],
    ['many keys', `{${Array.from({ length: 100 }, (_, i) => `"k${i}":0`).join(',')}}`],
    ['a control character', '"a\u0001b"'],
    ['an escape that is none', '"\\x41"'],
    ['a quote that is missing', '"abc'],
    ['a word that is none', '[trua]'],
    ['a word that is cut', 'tru'],
    ['a leading zero', '[01]'],
    ['a point at the end', '[1.]'],
    ['an exponent without digits', '[1e]'],
    ['a comma at the end', '[1,]'],
    ['a bracket of the other kind', '[1}'],
    ['more than one value', '{} {}'],
    ['nothing', ''],
  ])('%s is left to parsing', (_name, text) => {
    expect(compacted(text)).toBeUndefined();
  });

  it('of steps holds numbers and truth values that came as text', () => {
    const given =
      '[{"step_id":"0","reward":" 1.50 ","mc_return":"-2","done":"True"},' +
      '{"step_id":"007","reward":"None","mc_return":"1e400","done":"later","other":"1"},{"done":"0","reward":3}]';
    expect(JSON.parse(steps(given)!)).toEqual([
      { step_id: 0, reward: 1.5, mc_return: -2, done: true },
      { step_id: 7, reward: 'None', mc_return: '1e400', done: 'later', other: '1' },
      { done: false, reward: 3 },
    ]);
  });

  it('of steps is not made of what is no list of objects', () => {
    for (const text of ['{}', '[1]', '[{},[]]', '[{}', 'null', '[{"reward":"\\t1"}]'])
      expect(steps(text)).toBeUndefined();
    expect(steps('[]')).toBe('[]');
  });
});
