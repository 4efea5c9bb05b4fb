import { setImmediate } from 'node:timers/promises';
import { askVersion, knownVersion, type Table } from '../../../lance/index.js';
import type { Optimization } from '../../../optimization.js';

const versions = new WeakMap<Table, () => Promise<number>>();

/**
 * The version that a handle stands on: at once where it is known, else asked once for all who want it in one turn of the
 * event loop; begun after each of them, it misses no change.
 * @source product contract, Optimisations (`native_query`)
 */
export function versionOf(table: Table): number | Promise<number> {
  const known = knownVersion(table);
  if (known !== undefined) return known;
  let ask = versions.get(table);
  if (!ask) {
    ask = sharedByTurn(() => askVersion(table));
    versions.set(table, ask);
  }
  return ask();
}

/**
 * Names the present state of the tables and of the ways in which they are read: a way that is switched off takes the
 * answers with it that it had made.
 * @source product contract, Optimisations (`query_cache`)
 */
export interface StateName {
  /** Undefined unless it is known at once. */
  known(): string | undefined;
  ask(): Promise<string>;
}

/**
 * @param switches how often a way was switched so far: one that is on again does not bring back what it answered before
 * @source product contract, Optimisations (`query_cache`)
 */
export function stateName(
  tables: readonly Table[],
  ways: readonly Optimization<unknown>[],
  switches: () => number,
): StateName {
  const name = (of: readonly number[]) => [...of, ...ways.map(({ enabled }) => enabled), switches()].join('-');
  return {
    known() {
      const known = tables.map(knownVersion);
      return known.every((version) => version !== undefined) ? name(known) : undefined;
    },
    ask: async () => name(await Promise.all(tables.map(versionOf))),
  };
}

function sharedByTurn<T>(ask: () => Promise<T>): () => Promise<T> {
  let asking: Promise<T> | undefined;
  async function next(): Promise<T> {
    await setImmediate();
    asking = undefined;
    return ask();
  }
  return () => {
    asking ??= next();
    return asking;
  };
}
