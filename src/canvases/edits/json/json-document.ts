import { textInvalid } from '../errors.js';
import { BytePieces } from './byte-pieces.js';
import { EditWork } from './edit-work.js';
import { JsonChild } from './json-child.js';
import { JsonContainer } from './json-container.js';
import { sameJson } from './json-equality.js';
import { formatJson } from './json-format.js';
import { documentStart, isArrayAt, isObjectAt, type JsonText, skipSpace, skipValue, wholeText } from './json-spans.js';
import { detectStyle, isExpanded, type JsonStyle, padOf } from './json-style.js';

/**
 * The largest document that an edit may make, in bytes.
 * @source product contract, Canvases (body limit 16 MiB)
 */
export const maxDocumentBytes = 16 * 1024 * 1024;

/**
 * A value on its way into a document, and the depth at which its lines are indented; -1 for text from elsewhere.
 * @source RFC 6902 sections 4.4 and 4.5
 */
export interface PlacedText {
  readonly text: JsonText;
  readonly depth: number;
}

/**
 * `eager` names members of the root to open at once. A text that is a part of another has its `depth` in it, and
 * the other's `style`.
 * @source product contract, Canvases (PATCH)
 */
export interface JsonDocumentOptions {
  eager?: ReadonlySet<string>;
  depth?: number;
  maxBytes?: number;
  style?: () => JsonStyle;
}

const isScalar = ({ source, start }: JsonText) => !isObjectAt(source, start) && !isArrayAt(source, start);

/**
 * A JSON text that is edited in place: only what an edit touches is opened and written anew, all else keeps its
 * bytes. It holds on to the buffer it was made from, which nobody may change meanwhile. Not for concurrent use.
 * @source product contract, Canvases (PATCH; "unknown keys, key order, number spelling and indentation are kept")
 */
export class JsonDocument {
  readonly work = new EditWork();
  readonly root: JsonChild;
  /** The document is at most this much longer than it was. */
  addedBytes = 0;
  readonly #end: JsonText;
  #style: JsonStyle | undefined;

  /** How many arrays and objects are around the text, when it is a part of another. */
  readonly depth: number;
  readonly maxBytes: number;
  readonly #styleOf: () => JsonStyle;

  /** @throws Problem CANVAS_INVALID when the text holds no value, or more than one */
  constructor(
    readonly bytes: Buffer,
    { eager, depth = 0, maxBytes = maxDocumentBytes, style }: JsonDocumentOptions = {},
  ) {
    this.depth = depth;
    this.maxBytes = maxBytes;
    const start = documentStart(bytes);
    this.#styleOf = style ?? (() => detectStyle(bytes, start));
    const opened = JsonContainer.open(bytes, start, depth, this.work, eager);
    const end = opened ? opened.end : skipValue(bytes, start);
    const after = skipSpace(bytes, end);
    if (after < bytes.length) throw textInvalid(after, 'the end of the text');
    this.root = new JsonChild(undefined, bytes, 0, start, start, end, end);
    this.root.opened = opened;
    this.#end = { source: bytes, start: end, end: bytes.length };
  }

  /** How the document was laid out when it was opened. */
  get style(): JsonStyle {
    this.#style ??= this.#styleOf();
    return this.#style;
  }

  /** Opens the array or object that a child holds; undefined when it holds another value. */
  open(child: JsonChild, depth: number): JsonContainer | undefined {
    if (!child.opened) {
      const opened = JsonContainer.open(child.raw.source, child.raw.start, depth, this.work);
      if (opened) child.opened = opened;
    }
    return child.opened;
  }

  /** The value of a child as it stands now. */
  textOf(child: JsonChild): JsonText {
    if (!child.opened) return child.raw;
    if (!child.opened.isChanged()) {
      child.opened = undefined;
      return child.raw;
    }
    const out = new BytePieces(this.maxBytes);
    child.opened.render(out);
    const text = wholeText(out.join());
    this.work.spend(text.end);
    return text;
  }

  /** A value for a place in a container, beside a child whose layout it takes: spelled as it was given. */
  #fitted(value: PlacedText, container: JsonContainer | undefined, beside: JsonChild | undefined): JsonText {
    const depth = container ? container.depth + 1 : this.depth;
    if (value.depth === depth || isScalar(value.text)) return value.text;
    // Laying out goes token by token: dearer than a copy.
    this.work.spend(8 * (value.text.end - value.text.start));
    const { style, expandDepth } = this.#layout(container, beside, depth);
    const source = formatJson(value.text, style, depth, expandDepth, this.maxBytes);
    this.work.spend(source.length);
    return wholeText(source);
  }

  /** New values stand on one line where their neighbour or all around them does. */
  #layout(container: JsonContainer | undefined, beside: JsonChild | undefined, depth: number) {
    const { style } = this;
    if (container?.isLine(style)) return { style, expandDepth: depth };
    const expanded = beside && !beside.opened ? isExpanded(beside.raw) : undefined;
    if (!beside || expanded === undefined) return { style, expandDepth: style.expandDepth };
    if (expanded) return { style, expandDepth: Math.max(style.expandDepth, depth + 1) };
    const pad = isObjectAt(beside.raw.source, beside.raw.start) ? padOf(beside.raw) : style.pad;
    return { style: { ...style, pad }, expandDepth: depth };
  }

  /** Gives a child another value; one that means the same is left as it is spelled. */
  replace(container: JsonContainer | undefined, child: JsonChild, value: PlacedText): void {
    const current = this.textOf(child);
    this.work.spend(current.end - current.start + value.text.end - value.text.start);
    if (sameJson(current, value.text)) return;
    const fitted = this.#fitted(value, container, child);
    this.addedBytes += fitted.end - fitted.start;
    child.replace(fitted);
  }

  /**
   * Puts a value in front of the element at `index`, or last; in an object under a key that it does not have.
   */
  insert(container: JsonContainer, index: number | undefined, key: string | undefined, value: PlacedText): JsonChild {
    const neighbour = container.isArray ? container.neighbour(index) : undefined;
    if (index !== undefined) this.work.spend((container.size - index) / 2);
    const fitted = this.#fitted(value, container, neighbour);
    const child = container.insert(index, key, fitted, this.style);
    this.addedBytes += fitted.end - fitted.start + child.headEnd + 1;
    return child;
  }

  /**
   * Makes sure that the document is not too large; calls `undo` before it throws.
   * @throws Problem CANVAS_EDIT_TOO_LARGE
   */
  checkSize(undo: () => void): void {
    if (this.bytes.length + this.addedBytes <= this.maxBytes) return;
    try {
      this.addedBytes = this.render().length - this.bytes.length;
    } catch (error) {
      undo();
      this.addedBytes = this.render().length - this.bytes.length;
      throw error;
    }
  }

  /**
   * The document as it stands now: the very buffer it was made from when nothing changed.
   * @throws Problem CANVAS_EDIT_TOO_LARGE
   */
  render(): Buffer {
    if (!this.root.isChanged()) return this.bytes;
    const out = new BytePieces(this.maxBytes);
    this.root.render(out, true);
    out.push(this.#end.source, this.#end.start, this.#end.end);
    const bytes = out.join();
    this.work.spend(bytes.length);
    return bytes;
  }
}
