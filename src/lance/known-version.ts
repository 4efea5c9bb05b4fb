import type { Table } from '@lancedb/lancedb';

/**
 * Remembers the version that a handle stands on. Asking the database costs a wake-up of another thread, which is most of
 * what an answer that is at hand takes; and a handle moves only by what is called on it (what others commit it does not
 * see before `checkoutLatest()`). So whatever is called, other than the reads listed here, makes the version unknown
 * until it has ended, and whoever asks next asks the database.
 */

/** Methods that leave a handle where it is. All others, those of later releases too, are taken to move it. */
const reads: ReadonlySet<PropertyKey> = new Set([
  'name',
  'isOpen',
  'close',
  'display',
  'schema',
  'query',
  'search',
  'vectorSearch',
  'takeRowIds',
  'takeOffsets',
  'toArrow',
  'countRows',
  'version',
  'listVersions',
  'listIndices',
  'indexStats',
  'stats',
  'prewarmIndex',
]);

interface Standing {
  version: number | undefined;
  /** Counts what has moved the handle, or may have. */
  moves: number;
  movesUnderWay: number;
}

const standings = new WeakMap<Table, Standing>();

/**
 * The same handle, with its version remembered. The one given must not be used beside it.
 * @source LanceDB documentation, "Versioning"
 */
export function rememberVersion(table: Table): Table {
  const standing: Standing = { version: undefined, moves: 0, movesUnderWay: 0 };
  const tracked = watched(table, standing, reads);
  standings.set(tracked, standing);
  return tracked;
}

/**
 * @returns the version that the handle stands on, if it is known without asking the database
 * @source LanceDB documentation, "Versioning"
 */
export function knownVersion(table: Table): number | undefined {
  const standing = standings.get(table);
  return standing && standing.movesUnderWay === 0 ? standing.version : undefined;
}

/**
 * Asks the database for the version that the handle stands on, and remembers it.
 * @source LanceDB documentation, "Versioning"
 */
export async function askVersion(table: Table): Promise<number> {
  const standing = standings.get(table);
  const moves = standing?.moves;
  const version = await table.version();
  if (standing && standing.moves === moves && standing.movesUnderWay === 0) standing.version = version;
  return version;
}

/** Objects that a method gives, such as a merge that is being put together, are watched too. */
function watched<T extends object>(target: T, standing: Standing, unmoving: ReadonlySet<PropertyKey>): T {
  const methods = new Map<PropertyKey, unknown>();

  function follow(result: unknown): unknown {
    if (result instanceof Promise) {
      standing.movesUnderWay += 1;
      return result.finally(() => {
        standing.movesUnderWay -= 1;
        move();
      });
    }
    return typeof result === 'object' && result !== null ? watched(result, standing, new Set()) : result;
  }

  function move(): void {
    standing.version = undefined;
    standing.moves += 1;
  }

  return new Proxy(target, {
    get(_, name) {
      const known = methods.get(name);
      if (known) return known;
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const method = unmoving.has(name)
        ? value.bind(target)
        : (...given: unknown[]) => {
            move();
            return follow(Reflect.apply(value, target, given));
          };
      methods.set(name, method);
      return method;
    },
  });
}
