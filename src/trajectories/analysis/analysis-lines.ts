import { z } from 'zod';
import { type Analysis, analysisInputSchema } from './analysis.js';

const maxIdLength = 1024;
const maxReasonLength = 300;
const newline = 0x0a;

/** What one line must hold. @source product contract, Settled details ("`/api/analysis/import` takes a raw JSONL stream") */
export const analysisLineSchema = analysisInputSchema
  .extend({
    trajectory_id: z
      .string()
      .min(1, 'expected an id')
      .max(maxIdLength, `expected at most ${maxIdLength} characters`)
      .refine((text) => !/\p{Surrogate}/u.test(text), 'expected well-formed Unicode text'),
  })
  .meta({ id: 'AnalysisLine' });

/**
 * One line that is not blank: its content, or why it holds none. Lines are counted from 1, blank ones too.
 * @source product contract, Import formats ("A bad line is counted, named by line, and never stops the rest")
 */
export type AnalysisLine =
  | { line: number; given: Analysis & { trajectory_id: string } }
  | { line: number; reason: string };

/**
 * Reads JSON lines from pieces of bytes. It holds no more than one line of `maxLineBytes`; of a longer one only the
 * number is kept.
 * @throws what reading the bytes throws
 * @source product contract, Settled details ("`/api/analysis/import` takes a raw JSONL stream")
 */
export async function* readAnalysisLines(
  pieces: AsyncIterable<Buffer>,
  maxLineBytes: number,
): AsyncGenerator<AnalysisLine> {
  const held: Buffer[] = [];
  let heldBytes = 0;
  let line = 1;

  function take(last: Buffer): AnalysisLine | undefined {
    const bytes = heldBytes + last.length;
    const text = bytes > maxLineBytes ? undefined : Buffer.concat([...held, last]);
    held.length = 0;
    heldBytes = 0;
    if (!text) return { line, reason: `expected at most ${maxLineBytes} bytes` };
    const read = readLine(text, line === 1);
    return read && { line, ...read };
  }

  for await (const piece of pieces) {
    let from = 0;
    for (let end = piece.indexOf(newline); end >= 0; end = piece.indexOf(newline, from)) {
      const found = take(piece.subarray(from, end));
      if (found) yield found;
      line += 1;
      from = end + 1;
    }
    heldBytes += piece.length - from;
    if (heldBytes <= maxLineBytes) held.push(piece.subarray(from));
    else held.length = 0;
  }
  const last = take(Buffer.alloc(0));
  if (last) yield last;
}

type Read = { given: Analysis & { trajectory_id: string } } | { reason: string };

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function readLine(bytes: Buffer, isFirst: boolean): Read | undefined {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return { reason: 'expected UTF-8 text, got other bytes' };
  }
  if (isFirst && text.startsWith('\ufeff')) text = text.slice(1);
  if (/^[ \t\r]*$/.test(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { reason: 'expected valid JSON' };
  }
  const parsed = analysisLineSchema.safeParse(value);
  return parsed.success ? { given: parsed.data } : { reason: reasonOf(parsed.error) };
}

function reasonOf(error: z.ZodError): string {
  const reasons = error.issues.map((issue) => {
    const place = issue.path.join('.');
    const message = issue.message
      .replace(/^Invalid input: /, '')
      .replace(', received ', ', got ')
      .replace(/^Unrecognized keys?:/, 'expected no such name:');
    return place === '' ? message : `${place}: ${message}`;
  });
  const reason = reasons.join('; ');
  return reason.length > maxReasonLength ? `${reason.slice(0, maxReasonLength - 3)}...` : reason;
}
