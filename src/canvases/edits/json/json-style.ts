import { isArrayAt, isObjectAt, type JsonText, readString, skipSpace, skipValue, walkChildren } from './json-spans.js';

/**
 * How a document is laid out. Arrays and objects above `expandDepth` (the root is at depth 0) have one child a
 * line; the others stand on one line. `colon` and `comma` are the separators inside a line, `pad` is what stands
 * inside the braces of an object on one line.
 * @source product contract, Canvases ("indentation kept, since Obsidian and git see the file")
 */
export interface JsonStyle {
  readonly newline: string;
  readonly indent: string;
  readonly colon: string;
  readonly comma: string;
  readonly pad: string;
  readonly expandDepth: number;
}

/** What Obsidian writes: tabs, no space after a colon, one node or edge a line. An empty `{}` tells nothing else. */
const obsidianStyle: JsonStyle = { newline: '\n', indent: '\t', colon: ':', comma: ',', pad: '', expandDepth: 2 };

interface Layout {
  lead: string | undefined;
  secondLead: string | undefined;
  colon: string | undefined;
  /** The child to look at next: the first that is a filled array or object, `nodes` and `edges` before others. */
  inner: number | undefined;
}

/** Enough children to see a layout; a hostile array is not walked to its end. */
const sampled = 64;

function layoutOf(bytes: Buffer, at: number, depth: number): Layout {
  const layout: Layout = { lead: undefined, secondLead: undefined, colon: undefined, inner: undefined };
  let count = 0;
  let best = 0;
  const noteLead = (leadStart: number, keyStart: number) => {
    const lead = bytes.toString('latin1', leadStart, keyStart);
    if (layout.lead === undefined) layout.lead = lead;
    else layout.secondLead ??= lead;
  };
  let leadStart = at + 1;
  walkChildren(
    bytes,
    at,
    (_leadStart, _keyStart, _keyEnd, _valueStart, _valueEnd, separatorEnd) => {
      leadStart = separatorEnd;
      return ++count >= sampled;
    },
    // Looks at a child before stepping over it, and does not step over all nodes to learn how they are laid out.
    (source, valueStart, keyStart, keyEnd) => {
      noteLead(leadStart, keyStart);
      if (keyEnd > keyStart) layout.colon ??= source.toString('latin1', keyEnd, valueStart);
      const key = keyEnd > keyStart && keyEnd - keyStart < 12 ? readString(source, keyStart, keyEnd) : '';
      const rank = key === 'nodes' ? 3 : key === 'edges' ? 2 : 1;
      if (rank > best && isFilled(source, valueStart)) {
        best = rank;
        layout.inner = valueStart;
      }
      const isSeen = best === 3 || (keyEnd === keyStart && best > 0) || (depth === 2 && count > 0);
      return isSeen ? -1 : skipValue(source, valueStart);
    },
  );
  return layout;
}

/** Whether an array or object with at least one child begins here. */
function isFilled(bytes: Buffer, at: number): boolean {
  if (!isArrayAt(bytes, at) && !isObjectAt(bytes, at)) return false;
  const first = bytes[skipSpace(bytes, at + 1)];
  return first !== 0x7d && first !== 0x5d;
}

/**
 * Whether the array or object has its children on lines of their own; undefined for empty ones and other values.
 * @source product contract, Canvases ("indentation kept")
 */
export function isExpanded(text: JsonText): boolean | undefined {
  const { source, start } = text;
  if (!isFilled(source, start)) return undefined;
  for (let i = start + 1; ; i++) {
    if (source[i] === 0x0a) return true;
    if (source[i] !== 0x20 && source[i] !== 0x09 && source[i] !== 0x0d) return false;
  }
}

/**
 * The white space between the brace of an object on one line and its first key.
 * @source product contract, Canvases ("indentation kept")
 */
export function padOf({ source, start }: JsonText): string {
  return short(source.toString('latin1', start + 1, skipSpace(source, start + 1)), '');
}

/** White space of absurd length is no style. */
const short = (space: string, otherwise: string) => (space.length > 16 ? otherwise : space);

/**
 * Reads the layout of a document from its root down to the first node.
 * @source product contract, Canvases ("indentation kept")
 */
export function detectStyle(source: Buffer, start: number): JsonStyle {
  let at: number | undefined = isFilled(source, start) ? start : undefined;
  if (at === undefined) return obsidianStyle;
  const style = { ...obsidianStyle, expandDepth: -1 };
  let colon: string | undefined;
  let comma: string | undefined;
  let depth = 0;
  for (; at !== undefined && depth < 3; depth++) {
    const layout = layoutOf(source, at, depth);
    const lead = layout.lead ?? '';
    colon = layout.colon ?? colon;
    const newline = lead.lastIndexOf('\n');
    if (newline < 0) {
      if (style.expandDepth < 0) style.expandDepth = depth;
      if (layout.secondLead !== undefined && !layout.secondLead.includes('\n')) comma = layout.secondLead;
      if (isObjectAt(source, at)) style.pad = lead;
    } else if (depth === 0) {
      if (lead.includes('\r\n')) style.newline = '\r\n';
      style.indent = lead.slice(newline + 1);
    }
    at = layout.inner;
  }
  colon ??= ':';
  // Without a node to look at, a space after the colon speaks of JSON.stringify, none of Obsidian.
  if (style.expandDepth < 0) style.expandDepth = depth === 3 || /\s/.test(colon) ? Number.POSITIVE_INFINITY : 2;
  comma ??= /\s$/.test(colon) ? ' ' : '';
  return {
    ...style,
    indent: short(style.indent, '\t'),
    pad: short(style.pad, ''),
    colon: short(colon, ':'),
    comma: `,${short(comma, '')}`,
  };
}
