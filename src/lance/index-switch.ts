import type { Table } from '@lancedb/lancedb';

/**
 * Whether scalar indexes may serve the conditions of reads and writes now. An index that answers wrongly is of no harm from
 * the moment it is switched off, long before it is dropped: the database has no word for that, but it looks at every row
 * where the row sought may also be one that a column without an index tells.
 * @source product contract, Optimisations (`scalar_indexes`); LanceDB documentation, "Scalar Index"
 */
export interface IndexSwitch {
  isOn(): boolean;
  /** Another number after each switch: what was found before one is not kept beyond it. */
  generation(): number;
}

/**
 * @param isOn is asked for each condition
 * @source product contract, Optimisations (`scalar_indexes`)
 */
export function createIndexSwitch(isOn: () => boolean): IndexSwitch {
  let last = isOn();
  let generation = 0;
  function look(): boolean {
    const now = isOn();
    if (now !== last) generation += 1;
    last = now;
    return now;
  }
  return {
    isOn: look,
    generation() {
      look();
      return generation;
    },
  };
}

/** All tables with such a switch have this column, never an index on it, and no row with this value in it. */
const noRow = 'updated_at = -1';

/**
 * The same condition, for which every row is looked at.
 * @source LanceDB documentation, "Scalar Index"
 */
export const withoutIndex = (where: string): string => `(${where}) OR (${noRow})`;

/**
 * The same handle, whose conditions are served by scalar indexes only while the switch is on: those of queries, counts,
 * updates and deletions, and the key of a merge. Vector and text indexes are not meant.
 * @source product contract, Optimisations (`scalar_indexes`)
 */
export function withIndexSwitch(table: Table, { isOn }: Pick<IndexSwitch, 'isOn'>): Table {
  const served = (where: string) => (isOn() ? where : withoutIndex(where));

  const servedIn = (options: object) =>
    'where' in options && typeof options.where === 'string' ? { ...options, where: served(options.where) } : options;

  function follow<Query extends { where(predicate: string): Query }>(query: Query): Query {
    const where = query.where.bind(query);
    return Object.assign(query, { where: (predicate: string) => where(served(predicate)) });
  }

  const switched = {
    query: () => follow(table.query()),
    search: (...given: Parameters<Table['search']>) => follow(table.search(...given) as ReturnType<Table['query']>),
    vectorSearch: (...given: Parameters<Table['vectorSearch']>) => follow(table.vectorSearch(...given)),
    countRows: (where?: string) => table.countRows(where === undefined ? undefined : served(where)),
    delete: (where: string) => table.delete(served(where)),
    // In either form, the condition is among the options.
    update: (...given: object[]) => Reflect.apply(table.update, table, given.map(servedIn)),
    mergeInsert(on: string | string[]) {
      const merge = table.mergeInsert(on);
      return isOn() ? merge : merge.useIndex(false);
    },
  };

  const methods = new Map<PropertyKey, unknown>(Object.entries(switched));
  return new Proxy(table, {
    get(_, name) {
      const known = methods.get(name);
      if (known) return known;
      const value: unknown = Reflect.get(table, name, table);
      if (typeof value !== 'function') return value;
      const method = value.bind(table);
      methods.set(name, method);
      return method;
    },
  });
}
