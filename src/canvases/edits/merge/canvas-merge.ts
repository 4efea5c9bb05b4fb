import { Problem } from '../../../errors.js';
import { arrayKey, type CanvasEdit, canvasEdit } from '../canvas-edit.js';
import type { ElementKind } from '../errors.js';
import type { JsonChild } from '../json/json-child.js';
import { sameJson } from '../json/json-equality.js';
import { type JsonText, readString, walkChildren, wholeText } from '../json/json-spans.js';
import { type ElementChanges, elementChanges, findOrphans, type MergeConflict } from './element-changes.js';
import { mergedOrder } from './element-order.js';
import { type KeyedElements, type MergeSide, memberText, readSide } from './merge-side.js';

/**
 * Either the merged canvas or the places where the sides disagree, never both.
 * @source product contract, Canvases (`Prefer: handling=merge`)
 */
export type CanvasMerge = (CanvasEdit & { conflicts?: undefined }) | { conflicts: MergeConflict[] };

interface Sides {
  base: MergeSide;
  mine: MergeSide;
  theirs: MergeSide;
}

const sameText = (a: JsonText | undefined, b: JsonText | undefined) => (a && b ? sameJson(a, b) : a === b);

/** The elements of a kind on all sides; undefined when one side's cannot be told apart by id. */
function keyed({ base, mine, theirs }: Sides, kind: ElementKind) {
  const [b, m, t] = [base[kind], mine[kind], theirs[kind]];
  return b && m && t ? { base: b, mine: m, theirs: t } : undefined;
}

/** The top-level keys that I changed and they did not. */
function keyChanges(sides: Sides, skipped: ReadonlySet<string>, conflicts: MergeConflict[]): Set<string> {
  const { base, mine, theirs } = sides;
  const keys = new Set([...mine.root.children(), ...base.root.children()].map((child) => child.key as string));
  const changed = new Set<string>();
  for (const key of keys) {
    if (skipped.has(key)) continue;
    const [before, here, there] = [memberText(base, key), memberText(mine, key), memberText(theirs, key)];
    if (sameText(before, here) || sameText(here, there)) continue;
    if (sameText(before, there)) {
      changed.add(key);
      continue;
    }
    let reason: MergeConflict['reason'] = 'changed differently on both sides';
    if (!before) reason = 'added differently on both sides';
    else if (!here) reason = 'deleted here, changed there';
    else if (!there) reason = 'changed here, deleted there';
    conflicts.push({ kind: 'key', id: key, reason });
  }
  return changed;
}

function setMember({ mine, theirs }: Sides, key: string): void {
  const value = memberText(mine, key);
  const child = theirs.root.get(key);
  const { document, root } = theirs;
  if (!value) {
    if (child) root.remove(child);
  } else if (child) document.replace(root, child, { text: value, depth: -1 });
  else document.insert(root, undefined, key, { text: value, depth: -1 });
}

/** Gives their element my members; those that are the same on both sides keep their bytes. */
function setElement({ document }: MergeSide, child: JsonChild, mine: JsonText): void {
  const element = document.open(child, 2);
  if (!element) return;
  const keys = new Set<string>();
  const { source } = mine;
  walkChildren(source, mine.start, (_lead, keyStart, keyEnd, start, end) => {
    const key = readString(source, keyStart, keyEnd);
    keys.add(key);
    const value = { text: { source, start, end }, depth: -1 };
    const member = element.get(key);
    if (member) document.replace(element, member, value);
    else document.insert(element, undefined, key, value);
  });
  for (const member of element.children()) if (!keys.has(member.key as string)) element.remove(member);
}

function applyElements(
  { base, mine, theirs }: Record<keyof Sides, KeyedElements>,
  side: MergeSide,
  kind: ElementKind,
  changes: ElementChanges,
): void {
  const { document, root } = side;
  const key = arrayKey(kind);
  const order = mergedOrder([...base.byId.keys()], [...mine.byId.keys()], [...theirs.byId.keys()], changes.removed);
  let member = root.get(key);
  if (!member && mine.isPresent && (changes.added.size > 0 || !base.isPresent))
    member = document.insert(root, undefined, key, { text: wholeText(Buffer.from('[]')), depth: -1 });
  if (!member) return;
  if (order.length === 0 && base.isPresent && !mine.isPresent) {
    root.remove(member);
    return;
  }
  const array = document.open(member, 1);
  if (!array) return;
  const children = new Map(theirs.byId);
  for (const id of changes.changed) {
    const [child, text] = [children.get(id), mine.byId.get(id)];
    if (child && text) setElement(side, child, text.raw);
  }
  for (const id of changes.removed) {
    const child = children.get(id);
    if (child) array.remove(child);
    children.delete(id);
  }
  for (const id of changes.added) {
    const text = mine.byId.get(id)?.raw;
    if (text) children.set(id, document.insert(array, undefined, undefined, { text, depth: -1 }));
  }
  const wanted = order.flatMap((id) => children.get(id) ?? []);
  if (array.children().some((child, i) => wanted[i] !== child)) array.rearrange(wanted);
}

/**
 * Merges two changed versions of a canvas by the ids of nodes and edges and by top-level key. The result is their
 * text with my changes put in; the order of theirs is kept, unless only I changed the order. What both sides did
 * alike is no conflict.
 * @param base what both sides began with
 * @throws Problem CANVAS_INVALID when a version is no JSON object, CANVAS_EDIT_TOO_LARGE
 * @source product contract, Canvases (`Prefer: handling=merge`)
 */
export function mergeCanvases(base: Buffer, mine: Buffer, theirs: Buffer): CanvasMerge {
  const sides: Sides = { base: readSide(base), mine: readSide(mine), theirs: readSide(theirs) };
  const conflicts: MergeConflict[] = [];
  const nodes = keyed(sides, 'node');
  const edges = keyed(sides, 'edge');
  const nodeChanges = nodes && elementChanges('node', nodes.base, nodes.mine, nodes.theirs, conflicts);
  const edgeChanges = edges && elementChanges('edge', edges.base, edges.mine, edges.theirs, conflicts);
  if (nodes && edges && nodeChanges && edgeChanges) findOrphans(nodes, edges, nodeChanges, edgeChanges, conflicts);
  const merged = new Set([...(nodes ? ['nodes'] : []), ...(edges ? ['edges'] : [])]);
  const keys = keyChanges(sides, merged, conflicts);
  if (conflicts.length > 0) return { conflicts };
  for (const key of keys) setMember(sides, key);
  if (nodes && nodeChanges) applyElements(nodes, sides.theirs, 'node', nodeChanges);
  if (edges && edgeChanges) applyElements(edges, sides.theirs, 'edge', edgeChanges);
  return canvasEdit(sides.theirs.document);
}

/** More conflicts than this are counted, not named. */
const namedConflicts = 100;

/**
 * The answer to a merge that is not possible: names the ids, at most 100 of them, and counts all.
 * @param etag of the version that the changes collide with
 * @source product contract, Canvases ("else 409 naming the ids")
 */
export function mergeConflict(conflicts: readonly MergeConflict[], etag?: string): Problem {
  const named = conflicts.slice(0, namedConflicts).map((conflict) => ({ ...conflict, id: conflict.id.slice(0, 256) }));
  return new Problem({
    code: 'CANVAS_MERGE_CONFLICT',
    kind: 'conflict',
    message: `Expected changes to different nodes, edges and keys, got ${conflicts.length} that collide`,
    extra: { ...(etag === undefined ? {} : { etag }), conflicts: named, conflict_count: conflicts.length },
    ...(etag === undefined ? {} : { headers: { etag } }),
  });
}
