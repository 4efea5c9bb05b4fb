import type { TableCondition, TableLayout } from '../../lance/index.js';

/**
 * What a table needs now: `merge` puts its newest small pieces together; `tidy` does so with all small pieces, brings
 * the indexes up to date and removes old versions, without rewriting the large ones; `compact` rewrites everything.
 * @source LanceDB documentation, "Reindexing"
 */
export type CareStep =
  | { step: 'none' | 'compact' }
  | { step: 'merge'; firstFragment: number }
  | { step: 'tidy'; firstFragment: number | undefined };

/** Work on a table that has small pieces or old versions. @source LanceDB documentation, "Reindexing" */
export type CareTask = Exclude<CareStep['step'], 'none'>;

/** What the plan is made from. @source LanceDB documentation, "Reindexing" */
export interface CareState {
  condition: TableCondition;
  /** May be left empty where {@link needsLayout} says so. */
  layout: TableLayout;
  /** Versions on disk. */
  versions: number;
  /** Since old versions were removed last; Infinity when that was never. */
  sinceTidyMs: number;
  /** Nobody has written for a while: what is left over can be cleared away. */
  isQuiet: boolean;
}

const maxUnindexedRatio = 0.1;
const maxScatteredRatio = 0.1;
const fewFragments = 4;
/** Single-row writes each leave a piece behind that every query then opens. */
const mergedFragments = 32;
/** A piece is merged again once as many rows as a quarter of it are newer: each row is rewritten a few times only. */
const mergeGrowth = 4;
/** A piece so small that joining it costs nothing. */
const smallFragmentRows = 64;
const maxVersions = 100;
/** So many are cleared away however large the table is: each durable write looks through the list of them. */
const mostVersions = 2000;
/** The newest, and one of the same data to fall back on. */
const quietVersions = 3;
const smallestIntervalMs = 2000;
/** Upkeep may rewrite the whole table, so on average it gets no more than this of the disk. */
const rewrittenBytesPerMs = 5 * 1024;

/**
 * How long old versions stay before the next clearing: the larger the table, the longer, since each may rewrite it.
 * @source product contract, Trajectories; LanceDB documentation, "Reindexing"
 */
export function tidyIntervalMs(bytes: number): number {
  return Math.max(smallestIntervalMs, bytes / rewrittenBytesPerMs);
}

/**
 * Whether the plan depends on where the rows lie: finding that out goes through all row ids.
 * @source LanceDB documentation, "Reindexing"
 */
export function needsLayout({ condition, versions, isQuiet }: Omit<CareState, 'layout'>): boolean {
  const isTidied =
    versions > maxVersions || (isQuiet && (versions > quietVersions || condition.fragments > fewFragments));
  return condition.fragments > 1 && (condition.fragments >= mergedFragments || isTidied);
}

/** @source LanceDB documentation, "Reindexing" */
export function planCare({ condition, layout, versions, sinceTidyMs, isQuiet }: CareState): CareStep {
  const { rows, unindexedRatio, scatteredRatio, fragments, bytes } = condition;
  const isTimely = sinceTidyMs >= tidyIntervalMs(bytes);
  // A compaction leaves two pieces where the indexes lagged behind: that is no reason for another.
  const isScattered = scatteredRatio > maxScatteredRatio && fragments > fewFragments;
  if (isTimely && (unindexedRatio > maxUnindexedRatio || isScattered)) return { step: 'compact' };
  const isLeftOver = isQuiet && (versions > quietVersions || fragments > fewFragments);
  if (versions > mostVersions || (isTimely && (versions > maxVersions || isLeftOver))) {
    return { step: 'tidy', firstFragment: firstOf(layout, (taken) => taken <= rows * maxScatteredRatio) };
  }
  const firstFragment = firstOf(
    layout,
    (taken, own) => own <= smallFragmentRows || own <= mergeGrowth * (taken - own),
    mergedFragments,
  );
  return firstFragment === undefined ? { step: 'none' } : { step: 'merge', firstFragment };
}

/**
 * The oldest of the newest pieces that all pass the test; undefined when there are fewer than `atLeast`.
 * @param passes is given the rows of the piece and all newer ones, and those of the piece alone
 */
function firstOf(layout: TableLayout, passes: (taken: number, own: number) => boolean, atLeast = 1) {
  let taken = 0;
  let place = layout.length;
  while (place > 0) {
    const { rows } = layout[place - 1]!;
    if (!passes(taken + rows, rows)) break;
    taken += rows;
    place -= 1;
  }
  return layout.length - place >= atLeast ? layout[place]?.fragment : undefined;
}
