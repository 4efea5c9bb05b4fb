import type { ElementKind } from '../errors.js';
import type { JsonChild } from '../json/json-child.js';
import { sameJson } from '../json/json-equality.js';
import { stringMembers, stringValue } from '../json/string-members.js';
import type { KeyedElements } from './merge-side.js';

/**
 * Why two sides cannot be merged at one place; "here" is the side that asks for the merge, "there" the other.
 * @source product contract, Canvases (`Prefer: handling=merge`)
 */
export type MergeReason =
  | 'changed differently on both sides'
  | 'added differently on both sides'
  | 'changed here, deleted there'
  | 'deleted here, changed there'
  | 'its node was deleted there'
  | 'its node was deleted here';

/**
 * A place that both sides changed: the id of a node or edge, or a top-level key.
 * @source product contract, Canvases ("else 409 naming the ids")
 */
export interface MergeConflict {
  kind: ElementKind | 'key';
  id: string;
  reason: MergeReason;
}

/**
 * What my side did to the nodes or edges, as far as the other side did not do it, too.
 * @source product contract, Canvases (`Prefer: handling=merge`)
 */
export interface ElementChanges {
  added: Set<string>;
  changed: Set<string>;
  removed: Set<string>;
}

/** Whether what was before became what is now: both missing, or both there and of one meaning. */
const isSame = (before: JsonChild | undefined, now: JsonChild | undefined) =>
  before && now ? sameJson(before.raw, now.raw) : before === now;

/**
 * Compares my elements with the base, and where they differ with theirs.
 * @param conflicts gets what both sides changed
 * @source product contract, Canvases (`Prefer: handling=merge`)
 */
export function elementChanges(
  kind: ElementKind,
  base: KeyedElements,
  mine: KeyedElements,
  theirs: KeyedElements,
  conflicts: MergeConflict[],
): ElementChanges {
  const changes: ElementChanges = { added: new Set(), changed: new Set(), removed: new Set() };
  const ids = new Set([...mine.byId.keys(), ...base.byId.keys()]);
  for (const id of ids) {
    const before = base.byId.get(id);
    const here = mine.byId.get(id);
    const there = theirs.byId.get(id);
    if (isSame(before, here) || isSame(here, there)) continue;
    if (isSame(before, there)) {
      const change = before && here ? changes.changed : here ? changes.added : changes.removed;
      change.add(id);
      continue;
    }
    let reason: MergeReason = 'changed differently on both sides';
    if (!before) reason = 'added differently on both sides';
    else if (!here) reason = 'deleted here, changed there';
    else if (!there) reason = 'changed here, deleted there';
    conflicts.push({ kind, id, reason });
  }
  return changes;
}

/**
 * Finds edges that one side added or changed while the other deleted one of their nodes.
 * @param conflicts gets them
 * @source product contract, Canvases ("edges whose ends exist")
 */
export function findOrphans(
  nodes: Record<'mine' | 'theirs', KeyedElements>,
  edges: Record<'base' | 'mine' | 'theirs', KeyedElements>,
  nodeChanges: ElementChanges,
  edgeChanges: ElementChanges,
  conflicts: MergeConflict[],
): void {
  const isKept = (id: string) =>
    nodeChanges.added.has(id) || (nodes.theirs.byId.has(id) && !nodeChanges.removed.has(id));
  // An end that its own side does not have either is that side's own fault, and for the caller's check to find.
  const isOrphan = (edge: JsonChild, own: KeyedElements) =>
    stringMembers(edge.raw, ['fromNode', 'toNode']).some((text) => {
      const end = text && stringValue(text);
      return end !== undefined && own.byId.has(end) && !isKept(end);
    });
  for (const id of [...edgeChanges.added, ...edgeChanges.changed]) {
    const edge = edges.mine.byId.get(id);
    if (edge && isOrphan(edge, nodes.mine)) conflicts.push({ kind: 'edge', id, reason: 'its node was deleted there' });
  }
  for (const [id, edge] of edges.theirs.byId) {
    if (edgeChanges.removed.has(id) || edgeChanges.changed.has(id) || !isOrphan(edge, nodes.theirs)) continue;
    if (!isSame(edges.base.byId.get(id), edge))
      conflicts.push({ kind: 'edge', id, reason: 'its node was deleted here' });
  }
}
