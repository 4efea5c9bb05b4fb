/**
 * Lets the variants take turns: in each round every variant runs one short slice, in reversed order in every other
 * round, so that a disturbance of the machine hits all of them alike. Ratios are to be formed inside a round.
 * @returns one record of samples a round
 * @source product contract, promise 7 ("against the baseline, in the same run")
 */
export async function interleave<Name extends string, Sample>(
  rounds: number,
  variants: Record<Name, (round: number) => Promise<Sample>>,
): Promise<Record<Name, Sample>[]> {
  const names = Object.keys(variants) as Name[];
  const samples: Record<Name, Sample>[] = [];
  for (let round = 0; round < rounds; round++) {
    const taken = {} as Record<Name, Sample>;
    for (const name of round % 2 === 0 ? names : names.toReversed()) taken[name] = await variants[name](round);
    samples.push(taken);
  }
  return samples;
}
