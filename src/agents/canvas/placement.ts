import type { Card } from '../answers/answer.js';
import type { NodeView } from './canvas-view.js';
import { Obstacles } from './obstacles.js';
import { boundsOf, contains, type Rectangle } from './rectangle.js';

const cardWidth = 420;
const cardGap = 40;
const nodeGap = 40;
/** Wide enough for an edge with its label. */
const edgeGap = 140;
const rowsInColumn = 4;
/** How far around the target a free place is looked for, in steps of half a block. */
const searchRings = 6;

const lineHeight = 26;
const padding = 44;
const minHeight = 80;
const maxHeight = 1000;
/** Columns of text in a card, a Chinese character counting two. */
const columnsInCard = 46;

/** How high a card has to be for its text, as an editor would show it, roughly. */
function heightOf(text: string): number {
  let lines = 0;
  for (const line of text.split('\n')) {
    const wide = line.match(/[\u1100-\u11ff\u2e80-\uffef]/g)?.length ?? 0;
    lines += Math.max(1, Math.ceil((line.length + wide) / columnsInCard));
  }
  return Math.min(maxHeight, Math.max(minHeight, lines * lineHeight + padding));
}

/** The cards in columns, from the origin. */
function columns(cards: readonly Card[]): Rectangle[] {
  const places: Rectangle[] = [];
  let y = 0;
  for (const [index, card] of cards.entries()) {
    if (index % rowsInColumn === 0) y = 0;
    const height = heightOf(card.text);
    places.push({ x: Math.floor(index / rowsInColumn) * (cardWidth + cardGap), y, width: cardWidth, height });
    y += height + cardGap;
  }
  return places;
}

/** Beyond it sums of coordinates are no longer exact to the pixel, and soon no numbers at all. */
const farthest = 2 ** 50;
const isWithinReach = ({ x, y, width, height }: Rectangle) =>
  [x, y, x + width, y + height].every((each) => Math.abs(each) <= farthest);

const shifted = (place: Rectangle, dx: number, dy: number) => ({ ...place, x: place.x + dx, y: place.y + dy });

/** Corners to try for a block beside the target: its four sides, then farther out, the nearest first. */
function* corners(target: Rectangle, block: Rectangle): Generator<{ x: number; y: number }> {
  const right = target.x + target.width + edgeGap;
  const left = target.x - edgeGap - block.width;
  const below = target.y + target.height + edgeGap;
  const above = target.y - edgeGap - block.height;
  for (let ring = 0; ring < searchRings; ring++) {
    const down = (ring * block.height) / 2;
    const out = (ring * block.width) / 2;
    yield { x: right + out, y: target.y };
    yield { x: right, y: target.y + down };
    yield { x: right, y: target.y - down };
    yield { x: target.x, y: below + down };
    yield { x: target.x + out, y: below };
    yield { x: target.x - out, y: below };
    yield { x: left - out, y: target.y };
    yield { x: left, y: target.y + down };
    yield { x: target.x, y: above - down };
  }
}

/**
 * Finds places for the cards that touch no node there is: beside the target where there is room, else to the right of
 * everything. A group that holds the target holds its cards too; other groups are kept clear. Nodes so far away or so
 * large that nobody can draw them are not reckoned with when no free place is found.
 * @returns one place for each card, in their order, whole pixels
 * @source product contract, Agents ("placed without overlap")
 */
export function placeCards(
  cards: readonly Card[],
  nodes: readonly NodeView[],
  target: NodeView | undefined,
): Rectangle[] {
  const places = columns(cards);
  const block = boundsOf(places) as Rectangle;
  const all = boundsOf(nodes.filter(isWithinReach));
  const row = target && isWithinReach(target) ? target.y : (all?.y ?? 0);
  let corner = all ? { x: all.x + all.width + edgeGap, y: row } : { x: 0, y: 0 };
  if (target) {
    const others = nodes.filter((node) => !(node.type === 'group' && contains(node, target)));
    const obstacles = new Obstacles(others, nodeGap);
    const isFree = ({ x, y }: typeof corner) => places.every((place) => obstacles.areClearOf(shifted(place, x, y)));
    for (const tried of corners(target, block)) {
      if (!isWithinReach({ ...block, ...tried }) || !isFree(tried)) continue;
      corner = tried;
      break;
    }
  }
  return places.map((place) => shifted(place, Math.round(corner.x), Math.round(corner.y)));
}
