/** Rank plus one of each row by its offset; 0 where there is none. A row id is a fragment's number and an offset in it. */
type Ranks = Map<number, Uint32Array>;

const known = new WeakMap<BigUint64Array, Ranks>();

/**
 * Puts rows into an order that was worked out for all rows, which takes no comparison of values.
 * @param order row ids of all rows; its ranks are kept as long as it is, four bytes a row
 * @param matching row ids of some of them, in any order
 * @returns undefined when one of them is not in the order
 * @source product contract, Optimisations (`native_query`)
 */
export function inOrder(order: BigUint64Array, matching: BigUint64Array): BigUint64Array | undefined {
  const ranks = placesIn(order, matching);
  return ranks && idsAt(order, rising(ranks, order.length));
}

/**
 * Where rows stand in an order that was worked out for all rows.
 * @returns the place of each, from 0; undefined when one of them is not in the order
 * @source product contract, Optimisations (`native_query`)
 */
export function placesIn(order: BigUint64Array, matching: BigUint64Array): Uint32Array | undefined {
  const ranks = new Uint32Array(matching.length);
  const table = ranksOf(order);
  const words = wordsOf(matching);
  let fragment = -1;
  let offsets: Uint32Array | undefined;
  for (let i = 0; i < ranks.length; i++) {
    const at = words[2 * i + 1]!;
    if (at !== fragment) {
      fragment = at;
      offsets = table.get(at);
    }
    const rank = offsets?.[words[2 * i]!] ?? 0;
    if (rank === 0) return undefined;
    ranks[i] = rank - 1;
  }
  return ranks;
}

/** Sorting compares; marking the places and passing over all of them does not, and wins unless the rows are few. */
function rising(ranks: Uint32Array, size: number): Uint32Array {
  if (ranks.length * 32 < size) return ranks.sort();
  const marks = new Uint8Array(size);
  for (let i = 0; i < ranks.length; i++) marks[ranks[i]!] = 1;
  let filled = 0;
  for (let place = 0; place < size; place++) if (marks[place] === 1) ranks[filled++] = place;
  return ranks;
}

function idsAt(order: BigUint64Array, places: Uint32Array): BigUint64Array {
  const ids = new BigUint64Array(places.length);
  const [from, into] = [wordsOf(order), wordsOf(ids)];
  for (let i = 0; i < places.length; i++) {
    into[2 * i] = from[2 * places[i]!]!;
    into[2 * i + 1] = from[2 * places[i]! + 1]!;
  }
  return ids;
}

function ranksOf(order: BigUint64Array): Ranks {
  let ranks = known.get(order);
  if (!ranks) {
    ranks = computeRanks(wordsOf(order));
    known.set(order, ranks);
  }
  return ranks;
}

function computeRanks(words: Uint32Array): Ranks {
  const sizes = new Map<number, number>();
  for (let i = 0; i < words.length; i += 2) {
    const fragment = words[i + 1]!;
    if (words[i]! >= (sizes.get(fragment) ?? 0)) sizes.set(fragment, words[i]! + 1);
  }
  const ranks: Ranks = new Map();
  for (const [fragment, size] of sizes) ranks.set(fragment, new Uint32Array(size));
  for (let i = 0; i < words.length; i += 2) ranks.get(words[i + 1]!)![words[i]!] = i / 2 + 1;
  return ranks;
}

/** Low and high halves in turn: whole 64-bit numbers are many times slower to work with. */
function wordsOf(ids: BigUint64Array): Uint32Array {
  return new Uint32Array(ids.buffer, ids.byteOffset, ids.length * 2);
}
