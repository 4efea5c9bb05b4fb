/**
 * Checks the canvases that clients send as a whole. Of each canvas that is sent again and again it keeps the version
 * that was checked last, and looks only at the nodes or edges that differ from it: the verdict is the one that a look
 * at all of it would give. It only ever says "valid" that way; whatever is not plainly so is looked at as a whole,
 * which also finds the words for what is wrong. Bounded by bytes; what is dropped only costs a reading.
 */
import { LRUCache } from 'lru-cache';
import { elementFaults, parseCanvas } from '../../document/canvas.js';
import { parseClientJson } from '../../document/json-text.js';
import { noteValidCanvas } from '../../document/valid-canvases.js';
import { commonHead, commonTail } from '../../journal/difference.js';
import { walkChildren } from '../json/json-spans.js';
import { type ElementIndex, type IndexedList, indexElements, replaceElements } from './element-index.js';

interface CheckedCanvas {
  /** Keeps all rules. */
  bytes: Buffer;
  /** Read when the canvas is sent for the second time. */
  index: ElementIndex | undefined;
}

const maxHeldBytes = 48 * 1024 * 1024;
/** About what one element costs in memory beside its bytes. */
const elementBytes = 250;

const opening = Buffer.from('[[');
const neighbour = Buffer.from('{}');
const closing = Buffer.from(']]');

/** A stretch of a list: elements `first` to before `after`, and the bytes between their neighbours. */
interface Stretch {
  first: number;
  after: number;
  start: number;
  end: number;
}

/** The elements that lie in or touch the bytes `from` to `to`, which are inside of the list. */
function stretchOf(list: IndexedList, from: number, to: number): Stretch {
  const { starts, ends } = list;
  let first = firstWhere(ends, (end) => end >= from);
  let after = firstWhere(starts, (start) => start > to);
  // Between two elements: there is no telling which of them the bytes belong to.
  if (first >= after) {
    after = Math.min(starts.length, first + 1);
    first = Math.max(0, first - 1);
  }
  return {
    first,
    after,
    start: first === 0 ? list.open : (ends[first - 1] as number),
    end: after === starts.length ? list.close : (starts[after] as number),
  };
}

/** The first place in ascending numbers at which something holds that holds for all behind it. */
function firstWhere(numbers: readonly number[], holds: (number: number) => boolean): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(numbers[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return low;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether the new elements can stand in for the old ones without anything else in the canvas being concerned. */
function fits(index: ElementIndex, list: IndexedList, { first, after }: Stretch, elements: unknown[]): boolean {
  const gone = new Set(list.ids.slice(first, after));
  const fresh = new Set<string>();
  for (const element of elements) {
    if (!isObject(element) || elementFaults(list.kind, element, '').length > 0) return false;
    const id = element.id as string;
    if (fresh.has(id) || (list.known.has(id) && !gone.has(id))) return false;
    fresh.add(id);
    if (list.kind === 'node') continue;
    const nodes = index.node?.known;
    if (!nodes?.has(element.fromNode as string) || !nodes.has(element.toNode as string)) return false;
  }
  // Edges may end at a node that is gone.
  if (list.kind === 'node') for (const id of gone) if (!fresh.has(id)) return false;
  return true;
}

/**
 * @source product contract, Canvases ("what a client writes must have unique ids ..."), `fast_json`; Promises 6
 */
export class SentCanvases {
  readonly #checked: LRUCache<string, CheckedCanvas>;
  readonly #checkWhole: (bytes: Buffer) => unknown;

  /** @param checkWhole throws a Problem when bytes are no valid canvas */
  constructor(checkWhole: (bytes: Buffer) => unknown = parseCanvas, maxBytes = maxHeldBytes) {
    this.#checkWhole = checkWhole;
    this.#checked = new LRUCache({ maxSize: maxBytes, sizeCalculation: heldBytes });
  }

  /**
   * @param path of the canvas
   * @param bytes as they were sent; nobody may alter them
   * @throws Problem as {@link parseCanvas} does
   */
  check(path: string, bytes: Buffer): void {
    const before = this.#checked.get(path);
    const index = before && !bytes.equals(before.bytes) ? nextIndex(before, bytes) : before?.index;
    if (before && (index || bytes.equals(before.bytes))) noteValidCanvas(bytes);
    else this.#checkWhole(bytes);
    this.#checked.set(path, { bytes, index });
  }
}

function heldBytes({ bytes, index }: CheckedCanvas): number {
  const elements = Object.values(index ?? {}).reduce((sum, { ids }) => sum + ids.length, 0);
  return bytes.length + elements * elementBytes + 1;
}

/**
 * The index of new bytes when they keep all rules, as far as that can be told from where they differ. The old one is
 * used up.
 */
function nextIndex(before: CheckedCanvas, bytes: Buffer): ElementIndex | undefined {
  const old = before.bytes;
  const head = commonHead(old, bytes);
  const tail = commonTail(old, bytes, Math.min(old.length, bytes.length) - head);
  before.index ??= indexElements(old);
  const { index } = before;
  const to = old.length - tail;
  const list = Object.values(index ?? {}).find(({ open, close }) => open <= head && to <= close);
  if (!index || !list) return undefined;
  const stretch = stretchOf(list, head, to);
  const shift = bytes.length - old.length;
  const given = readStretch(bytes, list, stretch, shift);
  if (!given || !fits(index, list, stretch, given.elements)) return undefined;
  const ids = given.elements.map((element) => (element as { id: string }).id);
  replaceElements(index, list, { ...stretch, shift }, { ...given, ids });
  return index;
}

/**
 * Reads what now stands in a stretch. It is put between stand-ins of its neighbours, inside of two arrays: only if what
 * comes out is one list of one list does the stretch neither end early nor swallow what follows.
 */
function readStretch(bytes: Buffer, list: IndexedList, stretch: Stretch, shift: number) {
  const isBehind = stretch.first > 0;
  const isBefore = stretch.after < list.ids.length;
  const text = bytes.subarray(stretch.start, stretch.end + shift);
  const wrapped = Buffer.concat([
    opening,
    ...(isBehind ? [neighbour] : []),
    text,
    ...(isBefore ? [neighbour] : []),
    closing,
  ]);
  let lists: unknown[][];
  try {
    lists = parseClientJson(wrapped) as unknown[][];
  } catch {
    return undefined;
  }
  const [elements, more] = lists;
  if (!elements || more) return undefined;
  const starts: number[] = [];
  const ends: number[] = [];
  const moved = stretch.start - opening.length - (isBehind ? neighbour.length : 0);
  walkChildren(wrapped, 1, (_lead, _keyStart, _keyEnd, start, end) => {
    starts.push(start + moved);
    ends.push(end + moved);
  });
  const own = <Item>(items: Item[]) => items.slice(isBehind ? 1 : 0, isBefore ? -1 : undefined);
  return { elements: own(elements), starts: own(starts), ends: own(ends) };
}
