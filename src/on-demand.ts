/**
 * What no start needs: made at the first use, usually by `await import()` of one file that loads the rest. Uses that
 * come meanwhile wait for the same making; after a failure the next use tries again.
 * @returns what was made, at each call; rejects with what `make` rejects
 * @source product contract, Promises; ECMAScript 2020, "Import Calls"
 */
export function onDemand<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
