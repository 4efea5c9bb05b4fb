import type { Table } from '../../../lance/index.js';
import type { createLookReader } from './look-reader.js';

/** A reader that answers as the original way does, of which only answers are wanted. */
type LookReader = ReturnType<typeof createLookReader>;

/**
 * Looks at the table as it was in one version. Gives undefined when that version is not there any more, or cannot be read.
 * @source product contract, Optimisations (`native_query`, `verification.sample_rate`)
 */
export type LookAtVersion = <T>(version: number, work: (reader: LookReader) => Promise<T>) => Promise<T | undefined>;

/**
 * For tables that change more often than a look takes: an answer is compared with what the table held when it was given.
 * @param open gives a handle of its own, which is put on the version, and closed
 * @param lookOf makes the reader over it
 * @source product contract, Optimisations (`native_query`, `verification.sample_rate`); LanceDB documentation, "Versioning"
 */
export function createLookAtVersion(open: () => Promise<Table>, lookOf: (table: Table) => LookReader): LookAtVersion {
  return async (version, work) => {
    const table = await open();
    try {
      await table.checkout(version);
      const answer = await work(lookOf(table));
      // A version that was removed meanwhile may have been read on in the newest one.
      return (await table.version()) === version ? answer : undefined;
    } catch {
      return undefined;
    } finally {
      table.close();
    }
  };
}
