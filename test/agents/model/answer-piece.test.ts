import fc from 'fast-check';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { answerPiece } from '../../../src/agents/model/answer-piece.js';

const text = z.string().nullish();
const chunk = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        delta: z.looseObject({ content: text, refusal: text }).nullish(),
        finish_reason: text,
      }),
    )
    .nullish(),
});

const odd = fc.constantFrom(undefined, null, 'x', '', 5, true, [], ['x'], {});
const record = (members: Record<string, fc.Arbitrary<unknown>>) => fc.record(members, { requiredKeys: [] });
const delta = record({ content: odd, refusal: odd, role: odd });
const choice = record({ delta: fc.oneof(delta, odd), finish_reason: odd, index: odd });
const anything = fc.oneof(record({ choices: fc.oneof(fc.array(fc.oneof(choice, odd), { maxLength: 2 }), odd) }), odd);

it('takes and refuses exactly what a schema of such chunks does', () => {
  let taken = 0;
  fc.assert(
    fc.property(anything, (value) => {
      const data = JSON.stringify(value) ?? 'null';
      const wanted = chunk.safeParse(JSON.parse(data));
      if (!wanted.success) {
        expect(() => answerPiece(data)).toThrow(expect.objectContaining({ code: 'MODEL_ANSWER_GARBLED' }));
        return;
      }
      taken++;
      const first = wanted.data.choices?.[0];
      const { content, refusal, finishReason } = answerPiece(data);
      expect([content, refusal, finishReason]).toEqual([
        first?.delta?.content,
        first?.delta?.refusal,
        first?.finish_reason,
      ]);
    }),
    { seed: 5, numRuns: 5000 },
  );
  expect(taken).toBeGreaterThan(300);
});

it('refuses text that is no JSON', () => {
  expect(() => answerPiece('{"choices":')).toThrow(expect.objectContaining({ code: 'MODEL_ANSWER_GARBLED' }));
});
