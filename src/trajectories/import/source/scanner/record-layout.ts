/**
 * Where on their lines records begin, so that the next one can be told after broken text. In an indented file nothing
 * inside a record stands as far left as its first line, the closing bracket excepted.
 * @source product contract, Import formats ("pretty-printed objects one after another")
 */
export class RecordLayout {
  private recordIndent = 0;
  private lines: 'none' | 'indented' | 'flat' = 'none';

  /** @param indent spaces before the record, or -1 when it begins inside a line */
  beginRecord(indent: number): void {
    if (indent >= 0) this.recordIndent = indent;
    this.lines = 'none';
  }

  /** True for the indentation at which records begin. */
  isRecordStart(indent: number): boolean {
    return indent === this.recordIndent;
  }

  /**
   * Looks at the first byte of a line inside a record.
   * @returns true when an opening brace there can only begin the next record
   */
  isNextRecord(indent: number, opensObject: boolean): boolean {
    if (indent > this.recordIndent) {
      if (this.lines === 'none') this.lines = 'indented';
      return false;
    }
    if (opensObject && indent === this.recordIndent && this.lines === 'indented') return true;
    this.lines = 'flat';
    return false;
  }
}
