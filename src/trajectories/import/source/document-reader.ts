import { isObject } from '../../trajectory-values.js';
import { parseRecord, recordsWithin, wrapperOf } from './parsed-record.js';
import { JsonScanner } from './scanner/json-scanner.js';
import type { RecordSink, ScannerLimits, TextEncoding, TextReader, Wrapper } from './text-reader.js';

/**
 * Reads JSON over many lines: a list of records, an object around one, or objects one after another. Records and
 * faults are counted together, from 1.
 * @source product contract, Import formats
 */
export class DocumentReader implements TextReader {
  readonly form = 'document';
  private readonly scanner: JsonScanner;
  private count = 0;

  constructor(sink: RecordSink, limits: ScannerLimits) {
    const take = (value: unknown, encoding: TextEncoding, wrapper: Wrapper | undefined) => {
      const nested = isObject(value) ? recordsWithin(value) : undefined;
      if (nested) {
        const around = wrapperOf(value, encoding);
        for (const item of nested) take(item, encoding, around);
      } else {
        this.count += 1;
        const number = this.count;
        sink.record(value, () => `Record ${number}`, encoding, wrapper);
      }
    };
    const fault = (reason: string, bytes?: Buffer) => {
      this.count += 1;
      sink.fault(reason, `Record ${this.count}`, bytes);
    };
    this.scanner = new JsonScanner(
      {
        record: (bytes, _index, wrapper) => {
          const taken = sink.text?.(bytes, true) ?? 0;
          this.count += taken;
          if (taken > 0) return;
          const parsed = parseRecord(bytes, sink.takesBytes);
          if ('fault' in parsed) fault(parsed.fault, bytes);
          else take(parsed.value, parsed.encoding, wrapper);
        },
        fault: (reason, _index, bytes) => fault(reason, bytes),
      },
      limits,
    );
  }

  push(chunk: Buffer): void {
    this.scanner.push(chunk);
  }

  end(reason?: string): void {
    this.scanner.end(reason);
  }
}
