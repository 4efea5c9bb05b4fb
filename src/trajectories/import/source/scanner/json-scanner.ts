import { wrapperFrom } from '../parsed-record.js';
import type { ScannerLimits, ScannerSink, Wrapper } from '../text-reader.js';
import { BracketStack } from './bracket-stack.js';
import { KeptBytes } from './kept-bytes.js';
import { RecordLayout } from './record-layout.js';

/**
 * Finds the records in JSON text that arrives in pieces, holding at most one record at a time. It knows where values
 * begin and end, not whether they are valid: each record's bytes are handed out for parsing. What cannot be part of
 * valid JSON is named once, and reading goes on at the next place where a record can begin.
 *
 *   value -> record | "[" element* "]" | "{" ... "trajectories": "[" element* "]" ... "}"
 */

const newline = 0x0a;
const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openList = 0x5b;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

const isSpace = (byte: number) => byte === 0x20 || byte === newline || byte === 0x0d || byte === 0x09;
const maxKeyBytes = 16;

/**
 * Where the scanner stands:
 * - `between`: outside any record, at the top or inside a list of records
 * - `record`: inside a record, its bytes being kept
 * - `scalar`: inside a bare word or number where a record was expected
 * - `tail`: inside what a wrapper holds after its list, nothing kept
 * - `lost`: after broken text, looking for a line that begins with a brace, indented like the records before
 */
type State = 'between' | 'record' | 'scalar' | 'tail' | 'lost';

/** @source product contract, Import formats; RFC 8259 */
export class JsonScanner {
  /** The wrapper being read named an `iteration` before its list. */
  sawIteration = false;
  /** A list of records (a top-level one, or a wrapper's) has been entered. */
  sawList = false;

  private state: State = 'between';
  private readonly brackets = new BracketStack();
  /** Depth at which records lie: 0 at the top, 1 in a list, 2 in a wrapper's list. */
  private base = 0;
  private index = 0;
  private inString = false;
  private escaped = false;
  private previous = 0;
  private tooDeep = false;
  private readonly kept: KeptBytes;
  private key: number[] | undefined;
  private lastKey = '';
  /** Spaces since the line began; -1 once something else was met. */
  private indent = 0;
  private readonly layout = new RecordLayout();
  private wrapper: Wrapper | undefined;

  constructor(
    private readonly sink: ScannerSink,
    private readonly limits: ScannerLimits,
  ) {
    this.kept = new KeptBytes(limits.maxRecordBytes);
  }

  /** True when nothing is open: the text could end here. */
  get isClosed(): boolean {
    return this.brackets.depth === 0 && (this.state === 'between' || this.state === 'lost');
  }

  /** True when the next value would be an element of a list of records. */
  get awaitsElement(): boolean {
    return this.state === 'between' && this.base > 0 && (this.previous === openList || this.previous === comma);
  }

  /** @param chunk kept by reference while a record in it is open: do not write into it afterwards */
  push(chunk: Buffer): void {
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (this.inString) {
        i = this.skipString(chunk, i);
        continue;
      }
      if (isSpace(byte)) {
        if (byte === newline) {
          this.indent = 0;
          if (this.state === 'scalar') this.endScalar();
        } else if (this.indent >= 0) this.indent += 1;
        continue;
      }
      const indent = this.indent;
      this.indent = -1;
      if (this.state === 'record' || this.state === 'tail') {
        if (this.inside(chunk, i, from, byte, indent)) from = i;
        continue;
      }
      if (this.state === 'lost') {
        if (byte !== openObject || !this.layout.isRecordStart(indent)) continue;
        this.state = 'between';
      }
      if (this.between(byte, indent)) from = i;
    }
    if (this.state === 'record') this.kept.add(chunk.subarray(from));
  }

  /** @param reason why the text ends, when it is not known to be whole */
  end(reason?: string): void {
    if (this.state === 'scalar') this.endScalar();
    const isOpen = this.state !== 'lost' && this.brackets.depth > 0;
    if (this.state === 'record') this.fault(reason ?? 'the text ends inside this record');
    else if (isOpen) this.fault(reason ?? 'the text ends before the list is closed');
    else if (reason !== undefined) this.fault(reason);
    this.state = 'between';
    this.brackets.cutTo(0);
  }

  /** @returns where the string ends in this chunk, or the chunk's length */
  private skipString(chunk: Buffer, start: number): number {
    const { length } = chunk;
    let i = start;
    if (this.escaped) {
      this.escaped = false;
      i += 1;
    }
    for (; i < length; i++) {
      const byte = chunk[i]!;
      if (byte === quote) {
        this.inString = false;
        this.previous = quote;
        if (this.key) this.endKey();
        return i;
      }
      if (byte === backslash) {
        if (i === length - 1) this.escaped = true;
        i += 1;
      } else if (byte === newline) {
        this.breakOff('the text of a string runs over the end of the line');
        this.indent = 0;
        return i;
      } else if (this.key && this.key.length < maxKeyBytes) this.key.push(byte);
    }
    return length;
  }

  private endKey(): void {
    this.lastKey = this.key!.length < maxKeyBytes ? String.fromCharCode(...this.key!) : '';
    if (this.lastKey === 'iteration') this.sawIteration = true;
    this.key = undefined;
  }

  /** Outside a record. @returns true when a record begins at this byte */
  private between(byte: number, indent: number): boolean {
    if (this.state === 'scalar') {
      const ends = byte === openObject || (this.base > 0 && (byte === comma || byte === closeList));
      if (!ends) return false;
      this.endScalar();
    }
    if (byte === comma) {
      this.previous = comma;
      return false;
    }
    if (byte === closeList && this.base > 0) {
      this.brackets.pop(openList);
      const isEmpty = this.previous === openList && this.index === 0;
      this.base = 0;
      this.previous = closeList;
      this.state = this.brackets.depth > 0 ? 'tail' : 'between';
      // What is around an empty list may be a record: it is read on as one.
      if (this.state === 'tail' && isEmpty && this.kept.takeUp(Buffer.of(openList))) this.state = 'record';
      return this.state === 'record';
    }
    if (byte === openList && this.base === 0) {
      this.enterList();
      return false;
    }
    if (byte !== openObject && byte !== openList) {
      this.state = 'scalar';
      if (byte === quote) this.inString = true;
      return false;
    }
    this.state = 'record';
    this.brackets.push(byte, this.base + this.limits.maxDepth);
    this.previous = byte;
    this.lastKey = '';
    if (this.base === 0) this.sawIteration = false;
    this.layout.beginRecord(indent);
    return true;
  }

  /** Inside a record or a wrapper's tail. @returns true when another record begins at this byte */
  private inside(chunk: Buffer, i: number, from: number, byte: number, indent: number): boolean {
    if (byte === quote) {
      if (this.isTopKey) this.key = [];
      if (indent >= 0) this.layout.isNextRecord(indent, false);
      this.inString = true;
    } else if (byte === openObject || byte === openList) return this.open(chunk.subarray(from, i), byte, indent);
    else if (byte === closeObject || byte === closeList) this.close(chunk, i, from, byte);
    else this.previous = byte;
    return false;
  }

  private get isTopKey(): boolean {
    const { depth, innermost } = this.brackets;
    return this.base === 0 && depth === 1 && innermost === openObject && this.previous !== colon;
  }

  /** A value can begin here: after a colon, or where a list awaits an element. */
  private mayOpen(): boolean {
    if (this.brackets.isBeyond || this.previous === colon) return true;
    const inList = this.brackets.innermost === openList;
    return inList && (this.previous === comma || this.previous === openList);
  }

  /** @returns true when the record that is open was cut off, and another one begins here */
  private open(before: Buffer, byte: number, indent: number): boolean {
    if (!this.mayOpen() || (indent >= 0 && this.layout.isNextRecord(indent, byte === openObject))) {
      this.breakOff('the text ends inside this record');
      if (byte !== openObject || !this.layout.isRecordStart(indent)) return false;
      this.state = 'between';
      return this.between(byte, indent);
    }
    const ofWrapper = byte === openList && this.base === 0 && this.brackets.depth === 1;
    if (ofWrapper && this.lastKey === 'trajectories') {
      this.kept.add(before);
      const head = this.kept.setAside();
      this.tooDeep = false;
      this.enterList(head && wrapperFrom(head));
      return false;
    }
    this.previous = byte;
    if (!this.brackets.push(byte, this.base + this.limits.maxDepth)) this.tooDeep = true;
    return false;
  }

  private close(chunk: Buffer, i: number, from: number, byte: number): void {
    this.previous = byte;
    if (!this.brackets.pop(byte === closeObject ? openObject : openList)) {
      this.breakOff('brackets do not match');
      return;
    }
    if (this.brackets.depth > this.base) return;
    if (this.state === 'record') this.endRecord(chunk.subarray(from, i + 1));
    this.state = 'between';
  }

  private enterList(wrapper?: Wrapper): void {
    this.brackets.push(openList, this.base + this.limits.maxDepth);
    this.base = this.brackets.depth;
    this.index = 0;
    this.sawList = true;
    this.state = 'between';
    this.previous = openList;
    this.wrapper = wrapper;
  }

  private endRecord(last: Buffer): void {
    this.kept.add(last);
    if (this.tooDeep) this.fault(`nested deeper than ${this.limits.maxDepth} levels`);
    else if (this.kept.isOver) this.fault(`larger than ${this.limits.maxRecordBytes / 1024 / 1024} MiB`);
    else {
      this.sink.record(this.kept.bytes(), this.place(), this.base === 0 ? undefined : this.wrapper);
      this.dropKept();
    }
  }

  private endScalar(): void {
    this.state = 'between';
    this.fault('expected an object');
  }

  /** Gives up the record that is open. Records go on at the same level, where the next one can begin. */
  private breakOff(reason: string): void {
    this.inString = false;
    this.escaped = false;
    this.key = undefined;
    if (this.state === 'tail') this.base = 0;
    this.fault(reason);
    this.brackets.cutTo(this.base);
    this.state = 'lost';
  }

  private fault(reason: string): void {
    this.sink.fault(reason, this.place(), this.kept.beginning);
    this.dropKept();
  }

  private place(): number | undefined {
    return this.base === 0 ? undefined : this.index++;
  }

  private dropKept(): void {
    this.kept.clear();
    this.tooDeep = false;
  }
}
