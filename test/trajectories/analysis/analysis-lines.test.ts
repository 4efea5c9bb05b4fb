import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AnalysisLine, readAnalysisLines } from '../../../src/trajectories/analysis/analysis-lines.js';
import { hostileText } from '../../support/hostile-text.js';

async function read(text: string | Buffer, cuts: number[] = [], maxLineBytes = 1000): Promise<AnalysisLine[]> {
  const bytes = Buffer.from(text as string);
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  async function* pieces() {
    for (let i = 1; i < places.length; i++) yield bytes.subarray(places[i - 1], places[i]);
  }
  const lines: AnalysisLine[] = [];
  for await (const line of readAnalysisLines(pieces(), maxLineBytes)) lines.push(line);
  return lines;
}

const good = (trajectory_id: string, rest = {}) => JSON.stringify({ trajectory_id, is_success: true, ...rest });
const filled = { is_success: true, category: '', root_cause: '', suggestion: '' };

describe('lines of analysis rows', () => {
  test('are the same however the bytes are cut', async () => {
    const line = fc.oneof(
      hostileText.map((text) => good(`x${text}`, { root_cause: text })),
      hostileText,
      fc.constantFrom('', '{}', '[]', ' ', '\r', '{"trajectory_id":"a"}', 'x'.repeat(80)),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 8 }),
        fc.array(fc.nat(2000), { maxLength: 12 }),
        async (lines, cuts) => {
          const text = lines.join('\n');
          expect(await read(text, cuts, 60)).toEqual(await read(text, [], 60));
        },
      ),
      { seed: 5, numRuns: 200 },
    );
  });

  test('are numbered with the blank ones, with any line ending, with and without a last one', async () => {
    const text = `\ufeff${good('a')}\r\n\n  \n${good('b', { category: '超时' })}\n{}\n${good('c')}`;
    const lines = await read(text);
    expect(lines.map(({ line }) => line)).toEqual([1, 4, 5, 6]);
    expect(lines[1]).toEqual({ line: 4, given: { trajectory_id: 'b', ...filled, category: '超时' } });
    expect(await read(`${text}\n`)).toEqual(lines);
  });

  test('longer than the limit are named and not held', async () => {
    const lines = await read(
      `${good('a')}\n${good('b', { root_cause: 'x'.repeat(5000) })}\n${good('c')}`,
      [90, 300, 900],
    );
    expect(lines.map((line) => ('reason' in line ? line.reason : line.given.trajectory_id))).toEqual([
      'a',
      'expected at most 1000 bytes',
      'c',
    ]);
  });

  test.each<[string | Buffer, string]>([
    ['{', 'expected valid JSON'],
    ['nonsense', 'expected valid JSON'],
    ['[]', 'expected object'],
    ['null', 'expected object'],
    [`${'['.repeat(400)}`, 'expected valid JSON'],
    ['{}', 'trajectory_id: '],
    ['{"trajectory_id":"a"}', 'is_success: '],
    ['{"trajectory_id":"","is_success":true}', 'trajectory_id: expected an id'],
    [`{"trajectory_id":"${'x'.repeat(900)}","is_success":"true"}`, 'is_success: '],
    ['{"trajectory_id":5,"is_success":true}', 'trajectory_id: '],
    ['{"trajectory_id":"a","is_success":1}', 'is_success: '],
    ['{"trajectory_id":"a","is_success":true,"category":null}', 'category: '],
    ['{"trajectory_id":"a","is_success":true,"colour":"red"}', 'colour'],
    ['{"trajectory_id":"a","is_success":true,"__proto__":{}}', '__proto__'],
    ['{"trajectory_id":"\\ud800","is_success":true}', 'trajectory_id: expected well-formed'],
    ['{"trajectory_id":"a","is_success":true,"suggestion":"\\udc00"}', 'suggestion: expected well-formed'],
    [Buffer.from([0x22, 0xff, 0x22]), 'expected UTF-8'],
  ])('that hold no row say why: %.40s', async (text, reason) => {
    const [line] = await read(text);
    expect(line).toMatchObject({ line: 1, reason: expect.stringContaining(reason) });
  });

  test('with a thousand faults have a short reason', async () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`field${i}`, 1]));
    const [line] = await read(good('a', many), [], 10_000);
    expect(line && 'reason' in line && line.reason.length).toBe(300);
  });
});
