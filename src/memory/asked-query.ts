/**
 * A query as one may write it down: names and amounts, never a value that somebody looked for. `explain` tells how it was
 * read, and the version of what it was read from, as far as that has one.
 * @source issue "slow-query log"
 */
export interface AskedQuery {
  shape: Readonly<Record<string, unknown>>;
  explain?(): Promise<{ plan: string[]; tableVersion?: number | string }>;
}
