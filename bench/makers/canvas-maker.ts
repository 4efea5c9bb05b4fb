import { prose } from './prose.js';
import { createRandom, hexadecimal } from './random.js';

const revisionDigits = 8;
const revisionMark = '修订 ';

/**
 * Makes a canvas of about `bytes` bytes: text nodes in Chinese joined in a chain, tab-indented. The first node begins
 * with a revision number of fixed width, 0 at first.
 * @source JSON Canvas 1.0
 */
export function makeCanvas(bytes: number, seed: number): Buffer {
  const random = createRandom(seed);
  const nodes: object[] = [];
  const edges: object[] = [];
  const ids: string[] = [];
  for (let size = 0; size < bytes; ) {
    const id = hexadecimal(random, 16);
    const mark = nodes.length === 0 ? `${revisionMark}${'0'.repeat(revisionDigits)}\n` : '';
    const x = random.integer(-4000, 4000);
    const y = random.integer(-4000, 4000);
    const node = { id, type: 'text', text: mark + prose(random, 90), x, y, width: 400, height: 240, color: '4' };
    const fromNode = ids.at(-1);
    const edge = { id: hexadecimal(random, 16), fromNode, fromSide: 'right', toNode: id, toSide: 'left' };
    nodes.push(node);
    if (fromNode !== undefined) edges.push(edge);
    ids.push(id);
    size += Buffer.byteLength(JSON.stringify([node, edge], null, '\t')) + 24;
  }
  return Buffer.from(JSON.stringify({ nodes, edges }, null, '\t'));
}

const placeOfRevision = (canvas: Buffer) => canvas.indexOf(revisionMark) + Buffer.byteLength(revisionMark);

/**
 * The same canvas with another revision number: as many bytes, eight of them changed.
 * @param revision 0..99999999
 * @source product contract, promise 1
 */
export function withRevision(canvas: Buffer, revision: number): Buffer {
  const revised = Buffer.from(canvas);
  revised.write(String(revision).padStart(revisionDigits, '0'), placeOfRevision(canvas), 'latin1');
  return revised;
}

/**
 * The revision number that a canvas of this maker carries.
 * @throws Error when it carries none, for instance because it is torn
 * @source product contract, promise 2
 */
export function revisionOf(canvas: Buffer): number {
  const place = placeOfRevision(canvas);
  const digits = canvas.toString('latin1', place, place + revisionDigits);
  if (!/^\d{8}$/.test(digits)) throw new Error('expected a canvas with a revision number, got other bytes');
  return Number(digits);
}
