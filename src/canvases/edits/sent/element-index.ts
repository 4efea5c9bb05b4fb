import { arrayKey } from '../canvas-edit.js';
import type { ElementKind } from '../errors.js';
import { isArrayAt, isObjectAt, skipSpace, skipValue, walkChildren } from '../json/json-spans.js';
import { isKeyAt, stringMembers, stringValue } from '../json/string-members.js';

/**
 * Where the nodes or the edges of a canvas stand: element `i` is the bytes `starts[i]` to `ends[i]` and has the id
 * `ids[i]`; `open` is the place after the opening bracket and `close` that of the closing one.
 * @source JSON Canvas 1.0, "Nodes" and "Edges"
 */
export interface IndexedList {
  readonly kind: ElementKind;
  open: number;
  close: number;
  starts: number[];
  ends: number[];
  ids: string[];
  readonly known: Set<string>;
}

/**
 * The lists of a canvas; one that it does not have is missing.
 * @source JSON Canvas 1.0
 */
export type ElementIndex = Partial<Record<ElementKind, IndexedList>>;

const kinds: readonly ElementKind[] = ['node', 'edge'];

function indexedList(bytes: Buffer, kind: ElementKind, at: number): { list: IndexedList; end: number } {
  const list: IndexedList = { kind, open: at + 1, close: 0, starts: [], ends: [], ids: [], known: new Set() };
  const end = walkChildren(bytes, at, (_lead, _keyStart, _keyEnd, start, valueEnd) => {
    const [id] = stringMembers({ source: bytes, start, end: valueEnd }, ['id']);
    const name = id ? stringValue(id) : '';
    list.starts.push(start);
    list.ends.push(valueEnd);
    list.ids.push(name);
    list.known.add(name);
  });
  list.close = end - 1;
  return { list, end };
}

/**
 * Reads where the nodes and edges of a canvas stand.
 * @param bytes a canvas that keeps all rules
 * @returns undefined when it names one of its lists twice
 * @throws Problem CANVAS_INVALID when it is no JSON after all
 * @source JSON Canvas 1.0; RFC 8259 section 4
 */
export function indexElements(bytes: Buffer): ElementIndex | undefined {
  const root = skipSpace(bytes, 0);
  if (!isObjectAt(bytes, root)) return undefined;
  const index: ElementIndex = {};
  let isClear = true;
  walkChildren(
    bytes,
    root,
    () => {},
    (_bytes, at, keyStart, keyEnd) => {
      const kind = kinds.find((each) => isKeyAt(bytes, keyStart, keyEnd, arrayKey(each)));
      if (kind === undefined || !isArrayAt(bytes, at)) return skipValue(bytes, at);
      if (index[kind]) isClear = false;
      const { list, end } = indexedList(bytes, kind, at);
      index[kind] = list;
      return end;
    },
  );
  return isClear ? index : undefined;
}

/**
 * What is written between two places of a list: elements and the commas and white space around them.
 * @source RFC 8259 section 5
 */
export interface NewElements {
  /** Where they stand in the new bytes. */
  starts: number[];
  ends: number[];
  ids: string[];
}

/**
 * Brings the index from one version to the next, in which elements `first` to before `after` of a list became others
 * and everything behind them moved by `shift` bytes.
 * @source product contract, Canvases (a small change costs little)
 */
export function replaceElements(
  index: ElementIndex,
  list: IndexedList,
  range: { first: number; after: number; shift: number },
  by: NewElements,
): void {
  const { first, after, shift } = range;
  for (let i = first; i < after; i++) list.known.delete(list.ids[i] as string);
  for (const id of by.ids) list.known.add(id);
  const spliced = <Item>(items: Item[], fresh: readonly Item[]) =>
    items.slice(0, first).concat(fresh, items.slice(after));
  const behind = first + by.ids.length;
  const isSameCount = by.ids.length === after - first;
  if (isSameCount) {
    for (let i = first; i < after; i++) {
      list.starts[i] = by.starts[i - first] as number;
      list.ends[i] = by.ends[i - first] as number;
      list.ids[i] = by.ids[i - first] as string;
    }
  } else {
    list.starts = spliced(list.starts, by.starts);
    list.ends = spliced(list.ends, by.ends);
    list.ids = spliced(list.ids, by.ids);
  }
  if (shift === 0) return;
  moveFrom(list, behind, shift);
  for (const other of Object.values(index)) {
    if (other === list || other.open < list.open) continue;
    other.open += shift;
    moveFrom(other, 0, shift);
  }
}

function moveFrom(list: IndexedList, from: number, shift: number): void {
  const { starts, ends } = list;
  for (let i = from; i < starts.length; i++) {
    starts[i] = (starts[i] as number) + shift;
    ends[i] = (ends[i] as number) + shift;
  }
  list.close += shift;
}
