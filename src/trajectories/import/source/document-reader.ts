import { isObject } from '../../trajectory-values.js';
import { parseRecord, recordsWithin } from './parsed-record.js';
import { JsonScanner } from './scanner/json-scanner.js';
import type { RecordSink, ScannerLimits, TextReader } from './text-reader.js';

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
    const take = (value: unknown) => {
      const nested = isObject(value) ? recordsWithin(value) : undefined;
      if (nested) for (const item of nested) take(item);
      else {
        this.count += 1;
        const number = this.count;
        sink.record(value, () => `Record ${number}`);
      }
    };
    const fault = (reason: string) => {
      this.count += 1;
      sink.fault(reason, `Record ${this.count}`);
    };
    this.scanner = new JsonScanner(
      {
        record(bytes) {
          const parsed = parseRecord(bytes);
          if ('fault' in parsed) fault(parsed.fault);
          else take(parsed.value);
        },
        fault,
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
