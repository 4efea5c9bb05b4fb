import { type Parsed, parseRecord, recordsWithin, wrapperOf } from './parsed-record.js';
import { JsonScanner } from './scanner/json-scanner.js';
import type { RecordSink, SplitterLimits, TextEncoding, TextReader, Wrapper } from './text-reader.js';

const newline = 0x0a;

/**
 * Reads JSONL: a record, or an object around a list of them, on each line. Lines are counted from 1, blank ones too.
 * @source product contract, Import formats; JSON Lines
 */
export class LineReader implements TextReader {
  readonly form = 'lines';
  private line = 1;
  private parts: Buffer[] = [];
  private partBytes = 0;
  /** Reads the current line when it is too long to be held. */
  private long: JsonScanner | undefined;

  constructor(
    private readonly sink: RecordSink,
    private readonly limits: SplitterLimits,
  ) {}

  push(chunk: Buffer): void {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(newline, from);
      if (end < 0) break;
      this.endLine(chunk.subarray(from, end));
      this.line += 1;
      from = end + 1;
    }
    if (from < chunk.length) this.hold(chunk.subarray(from));
  }

  end(reason?: string): void {
    const last = Buffer.concat(this.parts);
    if (this.long) this.endLine(Buffer.alloc(0), reason);
    else if (reason === undefined) this.read(last);
    else if (isBlank(last)) this.sink.fault(reason, `Line ${this.line}`);
    else {
      const parsed = parseRecord(last, this.sink.takesBytes);
      if ('fault' in parsed) this.recover(last, reason, reason);
      else {
        this.take(parsed.value, parsed.encoding);
        this.sink.fault(reason, `Line ${this.line + 1}`);
      }
    }
  }

  private hold(part: Buffer): void {
    if (!this.long) {
      this.parts.push(part);
      this.partBytes += part.length;
      if (this.partBytes <= this.limits.maxQuickLineBytes) return;
      this.long = this.scanner();
      for (const held of this.parts) this.long.push(held);
      this.parts = [];
      this.partBytes = 0;
    } else this.long.push(part);
  }

  private endLine(last: Buffer, reason?: string): void {
    if (!this.long && this.partBytes + last.length > this.limits.maxQuickLineBytes) this.hold(last);
    else if (this.long) this.long.push(last);
    else {
      const bytes = this.parts.length === 0 ? last : Buffer.concat([...this.parts, last]);
      this.parts = [];
      this.partBytes = 0;
      this.read(bytes);
      return;
    }
    this.long!.end(reason);
    this.long = undefined;
  }

  private read(bytes: Buffer): void {
    if (isBlank(bytes) || this.sink.text?.(bytes, true)) return;
    const parsed = parseRecord(bytes, this.sink.takesBytes);
    if ('value' in parsed) this.take(parsed.value, parsed.encoding);
    else this.recover(bytes, parsed.fault);
  }

  private take(value: unknown, encoding: TextEncoding, index?: number, wrapper?: Wrapper): void {
    const { line } = this;
    const nested = index === undefined ? recordsWithin(value) : undefined;
    const around = nested && wrapperOf(value, encoding);
    if (nested) nested.forEach((item, i) => void this.take(item, encoding, i, around));
    else this.sink.record(value, () => placeOf(line, index), encoding, wrapper);
  }

  /**
   * Of a broken line, the whole records of a list count, and objects one after another; else the line is one fault.
   * @param cut why the text ends inside this line, when it does
   */
  private recover(bytes: Buffer, reason: string, cut?: string): void {
    if (!bytes.includes('{') && !bytes.includes('[')) {
      this.sink.fault(reason, `Line ${this.line}`, bytes);
      return;
    }
    const found: (Exclude<Parsed, { fault: string }> & { index: number | undefined; wrapper: Wrapper | undefined })[] =
      [];
    const faults: { reason: string; index: number | undefined; bytes: Buffer | undefined }[] = [];
    const scanner = new JsonScanner(
      {
        record: (record, index, wrapper) => {
          const parsed = parseRecord(record, this.sink.takesBytes);
          if ('fault' in parsed) faults.push({ reason: parsed.fault, index, bytes: record });
          else found.push({ ...parsed, index, wrapper });
        },
        fault: (fault, index, part) => void faults.push({ reason: fault, index, bytes: part }),
      },
      this.limits,
    );
    scanner.push(bytes);
    scanner.end(cut);
    const isUsable = scanner.sawList || (faults.length === 0 && found.length > 1);
    if (isUsable) for (const { value, encoding, index, wrapper } of found) this.take(value, encoding, index, wrapper);
    if (!isUsable || (scanner.sawList && faults.length === 0)) this.sink.fault(reason, `Line ${this.line}`, bytes);
    else for (const fault of faults) this.sink.fault(fault.reason, placeOf(this.line, fault.index), fault.bytes);
  }

  private scanner(): JsonScanner {
    const { line, sink } = this;
    return new JsonScanner(
      {
        record: (bytes, index, wrapper) => {
          if (sink.text?.(bytes, index === undefined)) return;
          const parsed = parseRecord(bytes, sink.takesBytes);
          if ('fault' in parsed) sink.fault(parsed.fault, placeOf(line, index), bytes);
          else this.take(parsed.value, parsed.encoding, index, wrapper);
        },
        fault: (reason, index, part) => sink.fault(reason, placeOf(line, index), part),
      },
      this.limits,
    );
  }
}

const placeOf = (line: number, index: number | undefined) =>
  index === undefined ? `Line ${line}` : `Line ${line}[${index}]`;

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte > 0x20) return false;
  return true;
}
