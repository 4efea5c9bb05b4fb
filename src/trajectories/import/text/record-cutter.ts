import type { TextEncoding } from '../source/text-reader.js';
import { CompactText } from './compact-text.js';

/**
 * Cuts the records out of a text, and out of each record its two long lists, which nobody looks into on the way to the
 * table: their text is copied, the rest is small and is parsed. Steps are brought to their normal form while they are
 * copied.
 */

const openList = 0x5b;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

/** The lists that are cut out of a record. @source product contract, Trajectories ("Record") */
export interface CutLists {
  /** JSON text, UTF-8; `[]` where the record has none. */
  steps: Buffer;
  chatCompletions: Buffer;
  stepCount: number;
}

/**
 * A record in three parts. They lie in memory that is used again: take what is needed of them at once.
 * @source product contract, Trajectories ("Record")
 */
export interface CutRecord extends CutLists {
  /** JSON text of the record with `null` in place of both lists. */
  fields(encoding: TextEncoding): string;
}

/** @returns false to give the whole text up @source product contract, Import formats */
export type TakeCutRecord = (record: CutRecord) => boolean;

const emptyList = Buffer.from('[]');
const recordDepth = 1;

interface Span {
  from: number;
  to: number;
}

/** @source product contract, Import formats; RFC 8259 */
export class RecordCutter {
  private readonly copy = new CompactText();

  /**
   * @param text valid UTF-8: one record, or where `mayHoldList` a list of them or an object around one
   * @param take is called for each record, also when the text turns out later to be no JSON
   * @returns false when the text is to be parsed; what was taken is void then
   */
  read(text: Buffer, mayHoldList: boolean, take: TakeCutRecord): boolean {
    const { copy } = this;
    copy.begin(text);
    const byte = copy.next();
    if (byte === openObject) return this.record(mayHoldList, take) && copy.isAtEnd;
    return mayHoldList && byte === openList && this.records(take) && copy.isAtEnd;
  }

  private records(take: TakeCutRecord): boolean {
    const { copy } = this;
    copy.step();
    if (copy.next() === closeList) {
      copy.step();
      return true;
    }
    for (;;) {
      if (copy.next() !== openObject || !this.record(false, take)) return false;
      const more = copy.separator(closeList);
      if (more !== 1) return more === 0;
    }
  }

  /** A record, or an object around a list of records. */
  private record(mayHoldList: boolean, take: TakeCutRecord): boolean {
    const { copy } = this;
    const from = copy.mark();
    const begun = copy.beginObject();
    let steps: Span | undefined;
    let chat: Span | undefined;
    let stepCount = 0;
    let isWrapper = false;
    for (let more = copy.next() === closeObject ? copy.separator(closeObject) : 1; more !== 0; ) {
      if (!copy.key(begun)) return false;
      if (copy.isKey('trajectories')) {
        if (!mayHoldList || copy.next() !== openList || !this.records(take)) return false;
        isWrapper = true;
      } else if ((copy.isKey('steps') || copy.isKey('chat_completions')) && copy.next() === openList) {
        const areSteps = copy.isKey('steps');
        const start = copy.mark();
        const count = copy.objects(recordDepth, areSteps);
        if (count < 0) return false;
        const span = { from: start, to: copy.mark() };
        if (areSteps) [steps, stepCount] = [span, count];
        else chat = span;
      } else if (!copy.value(recordDepth)) return false;
      more = copy.separator(closeObject);
      if (more < 0) return false;
    }
    copy.endObject(begun);
    if (isWrapper) return true;
    const whole = { from, to: copy.mark() };
    return take({
      fields: (encoding) => this.without(whole, steps, chat, encoding),
      steps: steps ? copy.copied(steps.from, steps.to) : emptyList,
      chatCompletions: chat ? copy.copied(chat.from, chat.to) : emptyList,
      stepCount,
    });
  }

  private without(whole: Span, steps: Span | undefined, chat: Span | undefined, encoding: TextEncoding): string {
    const cuts = [steps, chat].filter((cut) => cut !== undefined).sort((a, b) => a.from - b.from);
    let text = '';
    let from = whole.from;
    for (const cut of cuts) {
      text += `${this.copy.decoded(from, cut.from, encoding)}null`;
      from = cut.to;
    }
    return text + this.copy.decoded(from, whole.to, encoding);
  }
}
