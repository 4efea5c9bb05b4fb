import type { TextForm } from './format.js';

/** Where a record stands, for people: `Line 12`, `Line 12[3]`, `Record 7`. @source product contract, Import formats */
export type Place = string;

/**
 * How to write the strings of a parsed value down again so that they become UTF-8: those read as `latin1` hold one byte
 * of the UTF-8 text in each character, which is several times cheaper to read and to write than characters are.
 * @source Node.js documentation, Buffer ("Buffers and character encodings")
 */
export type TextEncoding = 'utf8' | 'latin1';

/**
 * The fields of the object around a list of records, as characters: those before the list at least.
 * @source product contract, Import formats
 */
export type Wrapper = () => Record<string, unknown>;

/** Takes what is found in a text, in its order. @source product contract, Import formats */
export interface RecordSink {
  /** True when records may come as `latin1`; else all come as `utf8`. */
  readonly takesBytes?: boolean;
  /**
   * Takes the records of a text as they stand, without their being parsed.
   * @param mayHoldList the text may be a list of records, or an object around one
   * @returns how many; 0 when the text is to be parsed
   */
  text?(bytes: Buffer, mayHoldList: boolean): number;
  record(value: unknown, place: () => Place, encoding: TextEncoding, wrapper: Wrapper | undefined): void;
  /** @param bytes what cannot be read, or its beginning, where it is at hand */
  fault(reason: string, place: Place, bytes?: Buffer): void;
}

/**
 * What a scanner reports, in the order of the text. `index` is the place inside a list, undefined outside one.
 * @source product contract, Import formats
 */
export interface ScannerSink {
  record(bytes: Buffer, index: number | undefined, wrapper: Wrapper | undefined): void;
  fault(reason: string, index: number | undefined, bytes?: Buffer): void;
}

/** How much one record may take. @source product contract, Canvases (limits) */
export interface ScannerLimits {
  maxRecordBytes: number;
  maxDepth: number;
}

/** @source product contract, Canvases (limits) */
export interface SplitterLimits extends ScannerLimits {
  /** Lines up to this length are parsed at once; longer ones are scanned as they come. */
  maxQuickLineBytes: number;
}

/** Reads text of one form. @source product contract, Import formats */
export interface TextReader {
  readonly form: TextForm;
  push(chunk: Buffer): void;
  /** @param reason why the text ends before it is whole, when that is known */
  end(reason?: string): void;
}
