import type { SaidNode } from './canvas-nodes.js';

/**
 * What the rows of a canvas say: the hash of the text by the id of the node. `isTorn`: some node has two rows, since a
 * pass was broken off between two commits.
 * @source product contract, Settled details (`/canvas/search`)
 */
export interface RowTexts {
  hashes: ReadonlyMap<string, string>;
  isTorn: boolean;
}

/**
 * - `added`: nodes that need a row.
 * - `removed`: ids of nodes whose row is to go; one that says something else now is in both.
 * - `kept`: one of the nodes whose row stays, if there is any.
 * @source product contract, Settled details (`/canvas/search`)
 */
export interface NodeDifference {
  added: SaidNode[];
  removed: string[];
  kept: string | undefined;
}

/**
 * What is to be done to the rows so that they say what the canvas says.
 * @param nodes no two of the same id
 * @source product contract, Settled details (`/canvas/search`)
 */
export function nodeDifference(hashes: RowTexts['hashes'], nodes: readonly SaidNode[]): NodeDifference {
  const wanted = new Map(nodes.map(({ nodeId, textHash }) => [nodeId, textHash]));
  const removed: string[] = [];
  let kept: string | undefined;
  for (const [nodeId, hash] of hashes) {
    if (wanted.get(nodeId) === hash) kept = nodeId;
    else removed.push(nodeId);
  }
  const added = nodes.filter(({ nodeId, textHash }) => hashes.get(nodeId) !== textHash);
  return { added, removed, kept };
}
