/**
 * Appends to the journal in the folder of its first argument until it is killed, from sixteen writers at once. Says
 * `sent <path> <number>` before an append, `acked <path> <number>` after it, `settled <path> <number>` before a
 * checkpoint. The bytes of number n can be told from n by whoever reads them back.
 */
import { writeSync } from 'node:fs';
import { etagOf } from '../../../src/canvases/document/etag.js';
import { openJournal } from '../../../src/canvases/journal/journal.js';

const [folder = '', first = '0'] = process.argv.slice(2);

/** At once and in order; a full pipe is tried again. */
function say(word: string, path: string, number: number): void {
  for (;;) {
    try {
      writeSync(1, `${word} ${path} ${number}\n`);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}
const bytesOf = (number: number) =>
  Buffer.from(JSON.stringify({ pad: 'x'.repeat(2000), number, end: 'y'.repeat(2000) }));

async function write(path: string): Promise<void> {
  let previousEtag: string | undefined;
  for (let number = Number(first); ; number += 1) {
    const bytes = bytesOf(number);
    const etag = etagOf(bytes);
    say('sent', path, number);
    await journal.append({ kind: 'put', path, bytes, etag, previousEtag });
    say('acked', path, number);
    if (number % 5 === 0) {
      say('settled', path, number);
      journal.checkpoint(path, etag);
    }
    previousEtag = etag;
  }
}

const { journal, recovered } = await openJournal({ folder, etagOf, maxSegmentBytes: 300_000 });
for (const canvas of recovered) {
  if (canvas.kind === 'put') say('found', canvas.path, JSON.parse(canvas.bytes.toString()).number);
}
say('ready', '-', 0);
await Promise.all(Array.from({ length: 16 }, (_, index) => write(`${index}.canvas`)));
