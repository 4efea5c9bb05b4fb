import { listLiteral, readFresh, retryOnConflict, type Table } from '../../lance/index.js';

/**
 * What became of verdicts: how many ids no stored trajectory has, how many were changed, in how many commits.
 * @source product contract, Trajectories ("total is exact for every filter, is_success included")
 */
export interface Alignment {
  unmatched: number;
  changed: number;
  commits: number;
}

/**
 * Brings the trajectories' `is_success` column in step with verdicts by id; rows that agree already are not written.
 * @param verdicts a few thousand at most
 * @source product contract, Trajectories ("total is exact for every filter, is_success included")
 */
export async function alignVerdicts(trajectories: Table, verdicts: ReadonlyMap<string, boolean>): Promise<Alignment> {
  if (verdicts.size === 0) return { unmatched: 0, changed: 0, commits: 0 };
  await trajectories.checkoutLatest();
  const found = await readFresh(trajectories, () =>
    trajectories
      .query()
      .where(`trajectory_id IN ${listLiteral([...verdicts.keys()])}`)
      .select(['trajectory_id', 'is_success'])
      .toArrow(),
  );
  const ids = found.getChild('trajectory_id');
  const stored = found.getChild('is_success');
  const matched = new Set<string>();
  const toChange = { true: new Set<string>(), false: new Set<string>() };
  for (let i = 0; i < found.numRows; i++) {
    const id = String(ids?.get(i));
    const verdict = verdicts.get(id);
    matched.add(id);
    if (verdict !== undefined && verdict !== stored?.get(i)) toChange[`${verdict}`].add(id);
  }
  let commits = 0;
  for (const [wanted, changing] of [
    [true, toChange.true],
    [false, toChange.false],
  ] as const) {
    if (changing.size === 0) continue;
    const where = `trajectory_id IN ${listLiteral([...changing])} AND is_success = ${!wanted}`;
    await retryOnConflict(() => trajectories.update({ where, values: { is_success: wanted } }));
    commits += 1;
  }
  return { unmatched: verdicts.size - matched.size, changed: toChange.true.size + toChange.false.size, commits };
}
