import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TextCodes } from '../../../src/trajectories/questions/text-codes.js';
import { hostileText } from '../../support/hostile-text.js';

describe('codes of texts', () => {
  test('are those of a map, in the order of first meeting', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(hostileText, fc.string({ unit: 'binary', maxLength: 8 }))), (texts) => {
        const codes = new TextCodes();
        const model = new Map<string, number>();
        const all = Buffer.from(texts.join(''));
        let start = 0;
        for (const text of texts.map((t) => Buffer.from(t))) {
          const key = text.toString('hex');
          expect(codes.find(text, 0, text.length)).toBe(model.get(key) ?? -1);
          if (!model.has(key)) model.set(key, model.size);
          expect(codes.add(all, start, start + text.length)).toBe(model.get(key));
          expect(codes.textOf(model.get(key)!)).toBe(text.toString());
          start += text.length;
        }
        expect(codes.size).toBe(model.size);
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  test('of 30,000 texts are all told apart, sorted by code point, in bounded memory', () => {
    const codes = new TextCodes();
    const texts = Array.from({ length: 30_000 }, (_, i) => Buffer.from(`问题-${(i * 7919) % 30_000}`));
    expect(texts.map((text) => codes.add(text, 0, text.length))).toEqual(texts.map((_, i) => i));
    expect(texts.map((text) => codes.find(text, 0, text.length))).toEqual(texts.map((_, i) => i));
    const order = texts.map((_, i) => i).sort((a, b) => codes.compare(a, b));
    expect(order.map((code) => codes.textOf(code))).toEqual(texts.toSorted(Buffer.compare).map(String));
    expect(codes.byteLength).toBeLessThan(3_000_000);
  });
});
