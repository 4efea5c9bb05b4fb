import type { ElementList } from './element-list.js';
import type { JsonChild } from './json/json-child.js';
import type { JsonText } from './json/json-spans.js';
import { meansString, stringMembers, stringValue } from './json/string-members.js';

/** One deletion looks along the edges; from the second on, a map from nodes to their edges pays. */
const searchesBeforeIndex = 2;

function endTexts(edge: JsonChild): readonly (JsonText | undefined)[] {
  if (!edge.opened) return stringMembers(edge.raw, ['fromNode', 'toNode']);
  return ['fromNode', 'toNode'].map((key) => {
    const raw = edge.opened?.get(key)?.raw;
    return raw && raw.source[raw.start] === 0x22 ? raw : undefined;
  });
}

/**
 * A quick look, natively, for children of one text in their order: false for those that hold neither the string nor
 * an escape that could spell it.
 */
function mayContain(wanted: string): (child: JsonChild) => boolean {
  const bytes = Buffer.from(JSON.stringify(wanted));
  let text: Buffer | undefined;
  let hit = -1;
  let nextEscape = -1;
  const next = (what: Buffer | number, source: Buffer, from: number) => {
    const found = source.indexOf(what, from);
    return found < 0 ? source.length : found;
  };
  return ({ opened, raw: { source, start, end } }) => {
    if (opened || (text && text !== source)) return true;
    text = source;
    if (hit < start) hit = next(bytes, source, start);
    if (nextEscape < start) nextEscape = next(0x5c, source, start);
    return hit < end || nextEscape < end;
  };
}

/**
 * Which edges begin or end at a node. Must be told of every edge that comes, goes or is changed.
 * @source JSON Canvas 1.0, "Edges"
 */
export class EdgeEnds {
  #index: Map<string, Set<JsonChild>> | undefined;
  #searches = 0;

  constructor(readonly edges: ElementList) {}

  at(nodeId: string): JsonChild[] {
    if (!this.#index && this.#searches++ < searchesBeforeIndex) {
      const isWanted = meansString(nodeId);
      const mayName = mayContain(nodeId);
      return this.edges.children().filter((edge) => mayName(edge) && endTexts(edge).some(isWanted));
    }
    if (!this.#index) {
      this.#index = new Map();
      for (const edge of this.edges.children()) this.added(edge);
    }
    return [...(this.#index.get(nodeId) ?? [])];
  }

  added(edge: JsonChild): void {
    if (!this.#index) return;
    for (const end of endTexts(edge)) {
      if (!end) continue;
      const id = stringValue(end);
      const edges = this.#index.get(id);
      if (edges) edges.add(edge);
      else this.#index.set(id, new Set([edge]));
    }
  }

  removed(edge: JsonChild): void {
    if (!this.#index) return;
    for (const end of endTexts(edge)) if (end) this.#index.get(stringValue(end))?.delete(edge);
  }
}
