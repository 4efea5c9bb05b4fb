import { hash } from 'node:crypto';

/** A node and what it says; `textHash` stands for all of the text. @source JSON Canvas 1.0, Nodes */
export interface SaidNode {
  nodeId: string;
  text: string;
  textHash: string;
}

/** Beyond so many nodes the rest of a canvas is not looked at: their vectors are held in memory at once. */
const maxNodes = 20_000;
const maxIdLength = 512;

/** In this order: a node of one type has one of them. */
const saying = ['text', 'label', 'file', 'url'] as const;

/**
 * The nodes of a parsed canvas that say something: a card's text, a group's label, a file's name, a link's address.
 * What is none of that, and a second node of the same id, is passed over: real files hold such things.
 * @source JSON Canvas 1.0, Nodes; product contract, Canvases ("reading is lenient")
 */
export function saidNodes(canvas: unknown): SaidNode[] {
  const nodes = (canvas as { nodes?: unknown } | null)?.nodes;
  if (!Array.isArray(nodes)) return [];
  const found = new Map<string, SaidNode>();
  for (const node of nodes as unknown[]) {
    if (found.size === maxNodes) break;
    const members = (typeof node === 'object' && node !== null ? node : {}) as Record<string, unknown>;
    const { id } = members;
    const said = saying.map((name) => members[name]).find((value) => typeof value === 'string' && value.trim() !== '');
    if (typeof id !== 'string' || id.length > maxIdLength || typeof said !== 'string') continue;
    const nodeId = wellFormed(id);
    if (!found.has(nodeId)) found.set(nodeId, saidNode(nodeId, wellFormed(said)));
  }
  return [...found.values()];
}

const saidNode = (nodeId: string, text: string): SaidNode => ({
  nodeId,
  text,
  textHash: hash('sha256', text, 'hex').slice(0, 32),
});

/** Half a surrogate pair, which JSON may hold, cannot be stored as UTF-8. */
const wellFormed = (text: string) => text.replace(/\p{Surrogate}/gu, '\ufffd');
