/**
 * The oracle: what clients sent, what they were promised, and so what may be found afterwards. Two writes that were
 * under way at the same time may land in either order; a write that was answered before another was sent may not come
 * after it. It knows nothing of how the service works.
 */
import { type CanvasNumbers, canvasText, readNumbers } from './canvas-text.js';

export type FaultKind =
  | 'torn'
  | 'foreign'
  | 'lost'
  | 'refused_but_stored'
  | 'file_differs'
  | 'leftover'
  | 'stale'
  | 'edit_gone'
  | 'bad_answer'
  | 'hang'
  | 'died'
  | 'opened_outside';

export interface Fault {
  kind: FaultKind;
  detail: string;
}

/** One write from the moment it is sent. `endedAt`: its answer, or the end of the process; times by the same clock. */
export interface Write {
  readonly name: string;
  readonly number: number;
  readonly kind: 'put' | 'edit';
  readonly bytes: number;
  readonly sentAt: number;
  endedAt: number;
  outcome: 'open' | 'acknowledged' | 'refused' | 'unknown';
}

interface Promised {
  /** When the newest acknowledged write of each node was sent; -1 without one. */
  put: number;
  edit: number;
}

export class WriteBook {
  readonly #writes = new Map<number, Write>();
  readonly #promised = new Map<string, Promised>();
  readonly #open = new Set<Write>();
  #lastNumber = 0;
  acknowledged = 0;
  refused = 0;
  unknown = 0;

  begin(name: string, kind: Write['kind'], bytes: number): Write {
    this.#lastNumber += 1;
    const sentAt = performance.now();
    const number = this.#lastNumber;
    const write: Write = { name, number, kind, bytes, sentAt, endedAt: Number.POSITIVE_INFINITY, outcome: 'open' };
    this.#writes.set(number, write);
    this.#open.add(write);
    if (!this.#promised.has(name)) this.#promised.set(name, { put: -1, edit: -1 });
    return write;
  }

  acknowledge(write: Write): void {
    this.#end(write, 'acknowledged');
    this.acknowledged += 1;
    this.#promise(write);
  }

  /** Answered with an error: it must not have been stored. */
  refuse(write: Write): void {
    this.#end(write, 'refused');
    this.refused += 1;
  }

  /** Refused after the file had its new name, when only the name's durability failed: it may have been stored. */
  doubt(write: Write): void {
    if (write.outcome === 'refused') write.outcome = 'unknown';
  }

  /** The process is gone: whatever was under way was stored or not, and will not be later. */
  loseOpen(): Write[] {
    const lost = [...this.#open];
    for (const write of lost) this.#end(write, 'unknown');
    this.unknown += lost.length;
    return lost;
  }

  get open(): readonly Write[] {
    return [...this.#open];
  }

  get names(): string[] {
    return [...this.#promised.keys()];
  }

  hasPromise(name: string): boolean {
    return (this.#promised.get(name)?.put ?? -1) >= 0;
  }

  textOf(write: Write): string {
    return canvasText(write.name, write.bytes, { put: write.number, edit: write.number });
  }

  /**
   * Judges what was found of a canvas (undefined: nothing). What passes counts as promised from then on, so that a
   * later look may not go back behind it.
   */
  judge(name: string, found: Buffer | undefined, options: { refusedMayStay?: boolean } = {}): Fault[] {
    const fault = (kind: FaultKind, detail: string): Fault[] => [{ kind, detail: `${name}: ${detail}` }];
    if (found === undefined) return this.hasPromise(name) ? fault('lost', 'acknowledged, and not there') : [];
    const numbers = readNumbers(found);
    if (!numbers) return fault('torn', `${found.length} bytes that are no whole canvas`);
    const put = this.#writes.get(numbers.put);
    const edit = this.#writes.get(numbers.edit);
    if (put?.name !== name || put.kind !== 'put' || edit?.name !== name) {
      return fault('foreign', `numbers ${numbers.put} and ${numbers.edit} were never sent for it`);
    }
    if (!isWhole(found, put, numbers)) return fault('torn', `not what write ${put.number} sent`);
    for (const write of [put, edit]) {
      if (write.outcome === 'refused' && !options.refusedMayStay) {
        return fault('refused_but_stored', `write ${write.number} was refused, and is there`);
      }
    }
    const promised = this.#promised.get(name)!;
    if (promised.put > put.endedAt || Math.max(promised.put, promised.edit) > edit.endedAt) {
      return fault('lost', `found ${numbers.put} and ${numbers.edit}, older than what was acknowledged`);
    }
    this.#promise(put);
    if (edit !== put) this.#promise(edit);
    return [];
  }

  /** Whether these bytes carry the newest promise: read from the file, it says how far the file is behind. */
  isBehind(name: string, found: Buffer | undefined): boolean {
    const promised = this.#promised.get(name);
    if (!promised || promised.put < 0) return false;
    const numbers = found && readNumbers(found);
    if (!numbers) return true;
    const sentAt = (number: number) => this.#writes.get(number)?.sentAt ?? -1;
    return sentAt(numbers.put) < promised.put || sentAt(numbers.edit) < promised.edit;
  }

  #promise({ name, kind, sentAt }: Write): void {
    const promised = this.#promised.get(name)!;
    if (kind === 'put') promised.put = Math.max(promised.put, sentAt);
    promised.edit = Math.max(promised.edit, sentAt);
  }

  #end(write: Write, outcome: Write['outcome']): void {
    write.outcome = outcome;
    write.endedAt = performance.now();
    this.#open.delete(write);
  }
}

/** A whole write is there byte for byte; after an edit of one node, every value is as it was sent. */
function isWhole(found: Buffer, put: Write, numbers: CanvasNumbers): boolean {
  const expected = canvasText(put.name, put.bytes, numbers);
  const text = found.toString();
  if (text === expected) return true;
  return numbers.edit !== numbers.put && JSON.stringify(JSON.parse(text)) === expected;
}

/** For an assertion: the first few faults as text, and how many there are of each kind. */
export function faultSummary(faults: readonly Fault[]): { counts: Record<string, number>; first: string[] } {
  const counts: Record<string, number> = {};
  for (const { kind } of faults) counts[kind] = (counts[kind] ?? 0) + 1;
  return { counts, first: faults.slice(0, 8).map(({ kind, detail }) => `${kind}: ${detail}`) };
}

export const noFaults: ReturnType<typeof faultSummary> = { counts: {}, first: [] };
