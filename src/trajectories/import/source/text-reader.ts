import type { TextForm } from './format.js';

/** Where a record stands, for people: `Line 12`, `Line 12[3]`, `Record 7`. @source product contract, Import formats */
export type Place = string;

/** Takes what is found in a text, in its order. @source product contract, Import formats */
export interface RecordSink {
  record(value: unknown, place: () => Place): void;
  fault(reason: string, place: Place): void;
}

/**
 * What a scanner reports, in the order of the text. `index` is the place inside a list, undefined outside one.
 * @source product contract, Import formats
 */
export interface ScannerSink {
  record(bytes: Buffer, index: number | undefined): void;
  fault(reason: string, index: number | undefined): void;
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
