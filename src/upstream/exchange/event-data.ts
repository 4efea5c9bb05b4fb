import { isUtf8 } from 'node:buffer';
import { UpstreamFailure } from '../retry/failure.js';

const lineEnd = /\r\n|\n|\r(?!$)/;

/** How many bytes at the end are the beginning of a character that goes on in what comes next. */
function cutAtEnd(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

/** Text out of bytes that may be cut anywhere. */
function textReader(): (bytes: Buffer) => string {
  let cut = Buffer.alloc(0);
  let isFirst = true;
  return (bytes) => {
    const all = cut.length === 0 ? bytes : Buffer.concat([cut, bytes]);
    const whole = all.length - cutAtEnd(all);
    const readable = all.subarray(0, whole);
    cut = Buffer.from(all.subarray(whole));
    if (!isUtf8(readable)) throw new UpstreamFailure('invalid_answer', 'answered with bytes that are not UTF-8');
    const text = readable.toString('utf8');
    if (!isFirst || text === '') return text;
    isFirst = false;
    return text.startsWith('\ufeff') ? text.slice(1) : text;
  };
}

/**
 * Takes the bytes of a stream as they come, and gives the `data` of each server-sent event that they complete, several
 * lines of one event joined by line breaks. Comments, names and ids are skipped; what the last event lacks of its empty
 * line is not an event.
 * @returns a function that throws UpstreamFailure when the bytes are not UTF-8
 * @source HTML Standard section 9.2.6 (interpreting an event stream)
 */
export function eventReader(): (bytes: Buffer) => string[] {
  const textOf = textReader();
  let rest = '';
  let data: string[] = [];
  return (bytes) => {
    const text = textOf(bytes);
    // A long line that comes in many pieces is searched only where it ends.
    if (!/[\r\n]/.test(text) && !rest.endsWith('\r')) {
      rest += text;
      return [];
    }
    const events: string[] = [];
    const lines = (rest + text).split(lineEnd);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) events.push(data.join('\n'));
        data = [];
      } else if (line.startsWith('data:')) {
        data.push(line.slice(line[5] === ' ' ? 6 : 5));
      }
    }
    return events;
  };
}
