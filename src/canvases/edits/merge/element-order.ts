/** Whether the elements that both lists have stand in another order. */
function isReordered(base: readonly string[], other: readonly string[]): boolean {
  const inBase = new Set(base);
  const inOther = new Set(other);
  const before = base.filter((id) => inOther.has(id));
  const after = other.filter((id) => inBase.has(id));
  return before.some((id, i) => after[i] !== id);
}

/**
 * Puts the ids of `source` that `spine` lacks into it: behind the nearest id in front of them that the spine has;
 * those behind all such ids go to the end, on top in the order of drawing.
 */
function weave(spine: readonly string[], source: readonly string[], added: ReadonlySet<string>): string[] {
  const inSpine = new Set(spine);
  const behind = new Map<string | undefined, string[]>();
  let anchor: string | undefined;
  let group: string[] = [];
  for (const id of source) {
    if (inSpine.has(id)) {
      if (group.length > 0) behind.set(anchor, group);
      anchor = id;
      group = [];
    } else if (added.has(id)) group.push(id);
  }
  const order = [...(behind.get(undefined) ?? [])];
  for (const id of spine) order.push(id, ...(behind.get(id) ?? []));
  return [...order, ...group];
}

/**
 * The order of the merged elements: theirs, with my new ones between the neighbours they had. When I reordered and
 * they did not, it is my order with their new ones.
 * @param removed what my side removed
 * @source JSON Canvas 1.0, "Nodes" (placed in ascending order by z-index)
 */
export function mergedOrder(
  base: readonly string[],
  mine: readonly string[],
  theirs: readonly string[],
  removed: ReadonlySet<string>,
): string[] {
  const inTheirs = new Set(theirs);
  const inMine = new Set(mine);
  const inBase = new Set(base);
  const mineAdded = new Set(mine.filter((id) => !inBase.has(id) && !inTheirs.has(id)));
  if (isReordered(base, mine) && !isReordered(base, theirs)) {
    const spine = mine.filter((id) => inTheirs.has(id) || mineAdded.has(id));
    const theirsLeft = new Set(theirs.filter((id) => !inMine.has(id) && !removed.has(id)));
    return weave(spine, theirs, theirsLeft);
  }
  const spine = theirs.filter((id) => !removed.has(id));
  return weave(spine, mine, mineAdded);
}
