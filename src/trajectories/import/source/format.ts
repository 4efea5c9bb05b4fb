import { isObject } from '../../trajectory-values.js';
import { JsonScanner } from './scanner/json-scanner.js';

/**
 * How a text is read: `lines` is JSONL, faults named by line; `document` is JSON over many lines (a list, an object
 * with a list, indented objects one after another), faults named by record.
 * @source product contract, Import formats
 */
export type TextForm = 'lines' | 'document';

/** Bytes that are looked at before a form is settled. */
const lookAheadBytes = 4 * 1024 * 1024;
const newline = 0x0a;
const recordKeys = ['trajectory_id', 'trajectories', 'trajectory', 'data_id'];

/**
 * Tells the form from the beginning of a text: its first line and, where that is not whole, its second.
 * @param head the text so far, without byte order mark
 * @param atEnd no more follows
 * @returns undefined while more of the text is needed
 * @source product contract, Import formats ("detected by content, not by name")
 */
export function detectForm(head: Buffer, atEnd: boolean): TextForm | undefined {
  const noMore = atEnd || head.length >= lookAheadBytes;
  const first = lineFrom(head, 0);
  if (!first) return noMore ? 'lines' : undefined;
  const opening = head[first.start];
  if (opening !== 0x7b && opening !== 0x5b) return 'lines';
  if (!first.isWhole) return noMore ? formOfOnlyLine(head, first) : undefined;

  const second = lineFrom(head, first.end);
  const parsed = parse(head, first);
  if (parsed !== undefined) {
    if (second) return 'lines';
    return noMore ? formOfOnlyLine(head, first) : undefined;
  }
  const scanner = scan(head, first);
  if (scanner.isClosed) return 'lines';
  if (!second) return noMore ? formOfOnlyLine(head, first) : undefined;
  if (!second.isWhole && !noMore) return undefined;
  return !scanner.awaitsElement && looksLikeRecord(parse(head, second)) ? 'lines' : 'document';
}

interface Line {
  start: number;
  end: number;
  isWhole: boolean;
}

/** The next line that is not blank, without the spaces before it. */
function lineFrom(head: Buffer, from: number): Line | undefined {
  let start = from;
  while (start < head.length && head[start]! <= 0x20) start += 1;
  if (start === head.length) return undefined;
  const end = head.indexOf(newline, start);
  return { start, end: end < 0 ? head.length : end, isWhole: end >= 0 };
}

function parse(head: Buffer, line: Line): unknown {
  try {
    return JSON.parse(head.toString('utf8', line.start, line.end));
  } catch {
    return undefined;
  }
}

function scan(head: Buffer, line: Line): JsonScanner {
  const scanner = new JsonScanner({ record() {}, fault() {} }, { maxRecordBytes: lookAheadBytes, maxDepth: 128 });
  scanner.push(head.subarray(line.start, line.end));
  scanner.push(Buffer.of(newline));
  return scanner;
}

/** One line alone may be either; it is JSONL unless it is a list, or an object around one that names no iteration. */
function formOfOnlyLine(head: Buffer, line: Line): TextForm {
  const scanner = scan(head, line);
  return scanner.sawList && !scanner.sawIteration ? 'document' : 'lines';
}

const looksLikeRecord = (value: unknown) => isObject(value) && recordKeys.some((key) => Object.hasOwn(value, key));
