import { setImmediate as nextTurn } from 'node:timers/promises';
import { eventUploadBroken } from '../events/errors.js';
import { learningEventSchema, type PreparedEvent } from '../events/learning-event.js';
import type { LearningEvents } from '../events/open-events.js';

/**
 * What became of the lines; `errors` are the first thousand, such as "Line 12: timestamp: expected ...".
 * @source product contract, Settled details ("or a JSONL stream")
 */
export interface LinesResult {
  accepted: number;
  duplicates: number;
  failed: number;
  errors: string[];
}

const newline = 0x0a;
const maxLineBytes = 128 * 1024;
const maxGroupEvents = 1000;
const maxGroupCharacters = 2 * 1024 * 1024;
const maxErrors = 1000;
const maxReasonLength = 300;
const maxDepth = 64;
const idTaken = 'event_id: expected a new id, or the same event again; another event has it';
const decoder = new TextDecoder('utf-8', { fatal: true });

function fitsIn(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0 || Object.hasOwn(value, '__proto__')) return false;
  return Object.values(value).every((item) => fitsIn(item, depth - 1));
}

/** Lines of a stream with their number; `bytes` is undefined for one that is too long. */
async function* linesOf(pieces: AsyncIterable<Buffer>): AsyncGenerator<{ line: number; bytes: Buffer | undefined }> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let line = 1;
  const take = (last: Buffer) => {
    const bytes = heldBytes + last.length > maxLineBytes ? undefined : Buffer.concat([...held, last]);
    held = [];
    heldBytes = 0;
    return { line: line++, bytes };
  };
  for await (const piece of pieces) {
    let from = 0;
    for (let end = piece.indexOf(newline); end >= 0; end = piece.indexOf(newline, from)) {
      yield take(piece.subarray(from, end));
      from = end + 1;
    }
    heldBytes += piece.length - from;
    if (heldBytes <= maxLineBytes) held.push(piece.subarray(from));
    else held = [];
  }
  if (heldBytes > 0) yield take(Buffer.alloc(0));
}

/**
 * @returns the event, why there is none, or undefined for a blank line
 */
function readEvent(bytes: Buffer | undefined, store: LearningEvents): PreparedEvent | string | undefined {
  if (!bytes) return `expected at most ${maxLineBytes} bytes`;
  let given: unknown;
  try {
    const text = decoder.decode(bytes);
    if (text.trim() === '') return undefined;
    given = JSON.parse(text);
  } catch {
    return 'expected valid JSON in UTF-8';
  }
  if (!fitsIn(given, maxDepth)) return `expected JSON at most ${maxDepth} levels deep, without "__proto__"`;
  const parsed = learningEventSchema.safeParse(given);
  if (!parsed.success) {
    return parsed.error.issues
      .map((issue) => [...issue.path, issue.message].join(': '))
      .join('; ')
      .slice(0, maxReasonLength);
  }
  const event = store.prepare(parsed.data);
  const fault = store.fault(event);
  return fault ? `${fault.member.slice(1)}${fault.member ? ': ' : ''}${fault.message}` : event;
}

/**
 * Stores events, one a line, as they arrive; all are durable when it resolves. A bad line, or one whose id another event
 * has, is named and never stops the rest. It holds one group of events.
 * @throws Problem EVENT_UPLOAD_BROKEN, EVENTS_BACKED_UP, EVENTS_FULL, EVENTS_CLOSED, STORAGE_FULL, EVENTS_NOT_WRITABLE
 * @source product contract, Settled details ("or a JSONL stream"), Promises 6
 */
export async function storeLines(pieces: AsyncIterable<Buffer>, store: LearningEvents): Promise<LinesResult> {
  const result: LinesResult = { accepted: 0, duplicates: 0, failed: 0, errors: [] };
  let group: { line: number; event: PreparedEvent }[] = [];
  let characters = 0;
  const fail = (line: number, reason: string) => {
    result.failed += 1;
    if (result.errors.length < maxErrors) result.errors.push(`Line ${line}: ${reason}`);
  };

  async function flush(): Promise<void> {
    const events = group.map(({ event }) => event);
    const { accepted, duplicates, taken } = await store.append(events, true);
    result.accepted += accepted;
    result.duplicates += duplicates;
    for (const index of taken) fail(group[index]?.line ?? 0, idTaken);
    group = [];
    characters = 0;
    await nextTurn();
  }

  const lines = linesOf(pieces);
  for (;;) {
    let next: Awaited<ReturnType<typeof lines.next>>;
    try {
      next = await lines.next();
    } catch {
      if (group.length > 0) await flush();
      throw eventUploadBroken(result);
    }
    if (next.done) break;
    const { line, bytes } = next.value;
    const event = readEvent(bytes, store);
    if (typeof event === 'string') fail(line, event);
    else if (event) {
      group.push({ line, event });
      characters += event.text.length;
    }
    if (group.length >= maxGroupEvents || characters >= maxGroupCharacters) await flush();
  }
  if (group.length > 0) await flush();
  return result;
}
