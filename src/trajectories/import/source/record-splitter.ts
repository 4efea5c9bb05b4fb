import { maxRecordDepth } from '../../trajectory-values.js';
import { DocumentReader } from './document-reader.js';
import { detectForm, type TextForm } from './format.js';
import { LineReader } from './line-reader.js';
import type { RecordSink, SplitterLimits, TextReader } from './text-reader.js';

/**
 * Splits text of any import format into records, holding at most one record (or a short line) at a time. A bad line
 * or record is one fault and never stops the rest.
 */

const defaultLimits: SplitterLimits = {
  maxRecordBytes: 64 * 1024 * 1024,
  maxDepth: maxRecordDepth,
  maxQuickLineBytes: 256 * 1024,
};

const byteOrderMark = Buffer.of(0xef, 0xbb, 0xbf);

/**
 * Give it the text with `push`, piece by piece, then `end`. The pieces must not be written into afterwards.
 * @source product contract, Import formats; RFC 8259
 */
export class RecordSplitter {
  private head: Buffer | undefined = Buffer.alloc(0);
  private reader: TextReader | undefined;

  constructor(
    private readonly sink: RecordSink,
    private readonly limits: SplitterLimits = defaultLimits,
  ) {}

  /** How the text is read; undefined until enough of it has come. */
  get form(): TextForm | undefined {
    return this.reader?.form;
  }

  push(chunk: Buffer): void {
    if (this.reader) this.reader.push(chunk);
    else {
      this.head = this.head!.length === 0 ? chunk : Buffer.concat([this.head!, chunk]);
      this.settle(false);
    }
  }

  /** @param reason why the text ends before it is whole, when that is known */
  end(reason?: string): void {
    if (!this.reader) this.settle(true);
    this.reader!.end(reason);
  }

  private settle(atEnd: boolean): void {
    let head = this.head!;
    if (head.length < 3 && !atEnd) return;
    if (head.subarray(0, 3).equals(byteOrderMark)) head = head.subarray(3);
    if (isUtf16(head)) {
      this.reader = refusingReader(this.sink, 'expected UTF-8 text, got UTF-16');
      return;
    }
    const form = detectForm(head, atEnd);
    if (!form) return;
    this.head = undefined;
    this.reader =
      form === 'lines' ? new LineReader(this.sink, this.limits) : new DocumentReader(this.sink, this.limits);
    this.reader.push(head);
  }
}

const isUtf16 = (head: Buffer) =>
  head.length > 1 && ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff));

/** For text that cannot be read at all: one fault, whatever follows. */
function refusingReader(sink: RecordSink, reason: string): TextReader {
  return { form: 'lines', push() {}, end: () => sink.fault(reason, 'Line 1') };
}
