import { patchTooCostly } from '../errors.js';
import type { BytePieces } from './byte-pieces.js';
import type { EditWork } from './edit-work.js';
import { JsonChild } from './json-child.js';
import {
  isArrayAt,
  isObjectAt,
  type JsonText,
  readString,
  skipValue,
  type ValueSkipper,
  walkChildren,
} from './json-spans.js';
import type { JsonStyle } from './json-style.js';

/** No canvas under 16 MiB has more nodes or edges; wider ones are kept but not edited inside. */
const maxChildren = 500_000;

/** What making, writing or asking a child costs, in bytes read: long lists of small values are dear. */
const childCost = 40;

/** More white space than this in front of a child is not copied to new ones. */
const maxLead = 400;

/** From this many members on, keys are found by a map. */
const indexedMembers = 12;

/**
 * An array or object that is edited: knows where each child is, opens children only when asked, and writes all
 * bytes that nobody touched as they were. New children take the white space of their neighbours.
 * @source product contract, Canvases (PATCH); RFC 8259 sections 4 and 5
 */
export class JsonContainer {
  readonly isArray: boolean;
  readonly #open: JsonText;
  readonly #end: number;
  #children: JsonChild[];
  /** White space before the closing bracket, and the bracket. */
  #close: JsonText;
  #index: Map<string, JsonChild> | undefined;
  #removed = 0;
  #isRearranged = false;
  /** Whether the children stood on one line before the last of them went. */
  #wasLine: boolean | undefined;
  /** Keys that were taken out, also when they came back. */
  readonly removedKeys = new Set<string>();

  private constructor(
    text: JsonText,
    /** How many arrays and objects are around it. */
    readonly depth: number,
    readonly work: EditWork,
    children: JsonChild[],
    closeStart: number,
  ) {
    const { source, start, end } = text;
    this.isArray = isArrayAt(source, start);
    this.#open = { source, start, end: start + 1 };
    this.#end = end;
    this.#close = { source, start: closeStart, end };
    this.#children = children;
  }

  /**
   * Opens the array or object at `start`; undefined when another value is there.
   * @param eager members to open at once, which saves going over them twice
   * @throws Problem CANVAS_INVALID where the text is no JSON, CANVAS_PATCH_TOO_COSTLY past 500,000 children
   */
  static open(
    source: Buffer,
    start: number,
    depth: number,
    work: EditWork,
    eager?: ReadonlySet<string>,
  ): JsonContainer | undefined {
    const isObject = isObjectAt(source, start);
    if (!isObject && !isArrayAt(source, start)) return undefined;
    const children: JsonChild[] = [];
    let closeStart = start + 1;
    let inner: JsonContainer | undefined;
    const openEager: ValueSkipper = (_bytes, valueStart, keyStart, keyEnd) => {
      const isEager = keyEnd - keyStart < 100 && eager?.has(readString(source, keyStart, keyEnd));
      inner = isEager ? JsonContainer.open(source, valueStart, depth + 1, work) : undefined;
      return inner ? inner.end : skipValue(source, valueStart);
    };
    const end = walkChildren(
      source,
      start,
      (leadStart, keyStart, keyEnd, valueStart, valueEnd, tailEnd) => {
        const key = isObject ? readString(source, keyStart, keyEnd) : undefined;
        const child = new JsonChild(key, source, leadStart, keyStart, valueStart, valueEnd, tailEnd);
        child.opened = inner;
        children.push(child);
        if (children.length > maxChildren) throw patchTooCostly();
        closeStart = valueEnd;
      },
      isObject && eager ? openEager : skipValue,
    );
    work.spend(end - start);
    work.spend(childCost * children.length);
    return new JsonContainer({ source, start, end }, depth, work, children, closeStart);
  }

  /** Where it ended in the text it was opened from. */
  get end(): number {
    return this.#end;
  }

  /** The children in order. */
  children(): readonly JsonChild[] {
    if (this.#removed > 0) {
      const first = this.#children[0] as JsonChild;
      this.#children = this.#children.filter((child) => !child.isRemoved);
      this.#removed = 0;
      this.#headTaken(first);
    }
    return this.#children;
  }

  /** The member of that name; of several the last, as JSON.parse has it. */
  get(key: string): JsonChild | undefined {
    if (this.isArray) return undefined;
    const children = this.children();
    if (children.length < indexedMembers) return children.findLast((child) => child.key === key);
    this.#index ??= new Map(children.map((child) => [child.key as string, child]));
    return this.#index.get(key);
  }

  isChanged(): boolean {
    if (this.#isRearranged || this.#removed > 0) return true;
    this.work.spend(childCost * this.#children.length);
    return this.#children.some((child) => child.isChanged());
  }

  /** Whether children came, went or changed places. */
  get isRearranged(): boolean {
    return this.#isRearranged;
  }

  /** How many children there are. */
  get size(): number {
    return this.#children.length - this.#removed;
  }

  /** The child in front of the one at `index`, or of the end; for the first place, the one behind it. */
  neighbour(index: number | undefined): JsonChild | undefined {
    if (index === undefined) return this.#children.findLast((child) => !child.isRemoved);
    return this.children()[index - 1] ?? this.children()[index];
  }

  /**
   * Puts a formatted value in front of the child at `index`, or last; in an object under a key it does not have.
   */
  insert(index: number | undefined, key: string | undefined, value: JsonText, style: JsonStyle): JsonChild {
    // Putting last must not tidy up a long list each time that deletions alternate with it.
    const size = this.size;
    const place = index ?? size;
    const siblings = index !== undefined || size < 2 ? this.children() : this.#children;
    const before = place === 0 ? undefined : this.neighbour(index);
    const after = index === undefined ? undefined : siblings[place];
    const isLine = this.#isLine(style);
    const fresh = isLine ? (this.isArray ? '' : style.pad) : style.newline + style.indent.repeat(this.depth + 1);
    let lead = fresh;
    if (before && place >= 2) lead = before.leadText();
    else if (before) lead = this.#leadBetween(style);
    else if (after) lead = after.leadText();
    if (lead.length > maxLead) lead = fresh;
    if (!before && after) this.#setLead(after, this.#leadBetween(style));
    if (size === 0) {
      const end = isLine ? lead : style.newline + style.indent.repeat(this.depth);
      const source = Buffer.from(end + (this.isArray ? ']' : '}'));
      this.#close = { source, start: 0, end: source.length };
    }
    const child = JsonChild.made(key, lead, key === undefined ? '' : JSON.stringify(key) + style.colon, value);
    if (place >= size) this.#children.push(child);
    else this.#children.splice(place, 0, child);
    if (key !== undefined) this.#index?.set(key, child);
    this.#isRearranged = true;
    return child;
  }

  /** Whether the children stand on one line; for an empty one, whether they should. */
  #isLine(style: JsonStyle): boolean {
    const first = this.#children[0];
    if (first) return !first.leadText().includes('\n');
    return this.#wasLine ?? this.depth >= style.expandDepth;
  }

  isLine(style: JsonStyle): boolean {
    if (this.size === 0) this.children();
    return this.#isLine(style);
  }

  /** The white space between a comma and the second child. */
  #leadBetween(style: JsonStyle): string {
    const first = this.#children[0]?.leadText() ?? '';
    return this.#children[1]?.leadText() ?? (first.includes('\n') ? first : style.comma.slice(1));
  }

  #setLead(child: JsonChild, lead: string): void {
    if (child.leadText() !== lead) child.lead = lead;
  }

  /** `gone` was first: what is first now takes its white space, and nothing is left inside empty brackets. */
  #headTaken(gone: JsonChild): void {
    const first = this.#children[0];
    if (first && gone.isRemoved) this.#setLead(first, gone.leadText());
    if (first) return;
    this.#wasLine = !gone.leadText().includes('\n');
    this.#close = { ...this.#close, start: this.#close.end - 1 };
  }

  /** Takes a child out; of a key that stands there several times, all. */
  remove(child: JsonChild): void {
    if (child.isRemoved) return;
    this.#isRearranged = true;
    if (child.key !== undefined) {
      for (const same of this.#children) if (same.key === child.key) this.#markRemoved(same);
      this.#index?.delete(child.key);
      this.removedKeys.add(child.key);
    } else this.#markRemoved(child);
  }

  #markRemoved(child: JsonChild): void {
    if (child.isRemoved) return;
    child.isRemoved = true;
    this.#removed++;
  }

  /** Takes out the child at an index, at once. */
  removeAt(index: number): void {
    const child = this.children()[index];
    if (!child) return;
    child.isRemoved = true;
    this.#isRearranged = true;
    this.#children.splice(index, 1);
    if (index === 0) this.#headTaken(child);
  }

  /** Puts the children in another order; the white space stays with the places. */
  rearrange(order: readonly JsonChild[]): void {
    const leads = this.children().map((child) => child.leadText());
    this.#children = [...order];
    this.#children.forEach((child, i) => {
      this.#setLead(child, leads[i] ?? '');
    });
    this.#isRearranged = true;
  }

  render(out: BytePieces): void {
    const children = this.children();
    out.push(this.#open.source, this.#open.start, this.#open.end);
    const last = children.length - 1;
    this.work.spend(childCost * children.length);
    for (let i = 0; i <= last; i++) (children[i] as JsonChild).render(out, i === last);
    out.push(this.#close.source, this.#close.start, this.#close.end);
  }
}
