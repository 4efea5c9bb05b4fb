import { describe, expect, it } from 'vitest';
import { compareBatches } from '../../../../src/memory/embeddings/comparing/batch-comparison.js';
import { differenceOfVectors } from '../../../../src/memory/embeddings/comparing/vector-check.js';
import type { Embedder } from '../../../../src/memory/embeddings/embedder.js';
import { comparedFlag } from '../../../support/compared-flag.js';

const vectorOf = (text: string) => Float32Array.from([text.length, Number(text)]);

function tried(isExternal: boolean, wrongText?: string) {
  const { flag, state, outcomes, external } = comparedFlag({});
  const alone: string[] = [];
  let cleared = 0;
  const embedder = (each: (text: string) => Float32Array): Embedder => ({
    model: 'm',
    dimensions: 2,
    embed: async (texts) => texts.map(each),
  });
  const compared = compareBatches({
    batched: embedder((text) => vectorOf(text === wrongText ? '99' : text)),
    alone: embedder((text) => {
      alone.push(text);
      return vectorOf(text);
    }),
    flag,
    isExternal,
    onWrong: () => {
      cleared += 1;
    },
  });
  return { compared, state, alone, outcomes, external, cleared: () => cleared };
}

const texts = Array.from({ length: 20 }, (_, i) => String(i));

describe('vectors of a batch', () => {
  it('are compared with those of eight of the texts, embedded alone; each text has its turn', async () => {
    const { compared, alone, outcomes } = tried(false);
    for (let i = 0; i < 3; i++) {
      await compared.embed(texts);
      expect(await outcomes()).toEqual([{ outcome: { result: 'equal' } }]);
      expect(alone).toHaveLength(8 * (i + 1));
    }
    expect(new Set(alone).size).toBeGreaterThan(16);
  });

  it('of another server are compared for one text, and only where that is allowed', async () => {
    const { compared, alone, outcomes, external, state } = tried(true);
    await compared.embed(texts);
    await outcomes();
    expect([alone.length, external]).toEqual([1, [true]]);
    state.isSampling = false;
    await compared.embed(texts);
    expect([await outcomes(), alone.length]).toEqual([[], 1]);
  });

  it('that are wrong are told, and those that keep vectors hear of it', async () => {
    const { compared, outcomes, cleared } = tried(false, '0');
    await compared.embed(texts);
    const [found] = await outcomes();
    expect(found?.outcome).toEqual({ result: 'mismatch', difference: 'vector 1 of 8: other numbers' });
    await found?.putRight?.();
    expect(cleared()).toBe(1);
  });

  it('of no text are not compared', async () => {
    const { compared, outcomes } = tried(false);
    expect(await compared.embed([])).toEqual([]);
    expect(await outcomes()).toEqual([]);
  });

  it('differ by more than rounding, or in length', () => {
    const vector = (...numbers: number[]) => [Float32Array.from(numbers)];
    expect(differenceOfVectors(vector(1, 2), vector(1.0005, 2))).toBeUndefined();
    expect(differenceOfVectors(vector(1, 2), vector(1.002, 2))).toBe('vector 1 of 1: other numbers');
    expect(differenceOfVectors(vector(1, 2), vector(1))).toBe('vector 1: 2 numbers against 1');
    expect(differenceOfVectors(vector(1), [])).toBe('vector 1: 1 numbers against undefined');
    expect(differenceOfVectors(vector(Number.NaN), vector(1))).toBe('vector 1 of 1: other numbers');
  });
});
