import { type BenchResult, readResults } from '../report/results.js';
import { judge } from './compare.js';
import { checkReport } from './report.js';

/**
 * Compares a bench that was just run with its committed numbers. Without any, that is said and nothing is lost.
 * @param folder of the committed numbers; it need not exist
 * @param leastLoss share of a ratio that may be lost in any case, 0 to below 1
 * @source issue "Regression guard"
 */
export async function checkBench(
  folder: string,
  result: BenchResult,
  leastLoss = 0,
): Promise<{ text: string; isLost: boolean }> {
  const [committed] = await readResults(folder, [result.name]).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const notes: string[] = [];
  if (!committed)
    notes.push(`There are no committed numbers of ${result.name}: run \`npm run bench -- ${result.name}\`.`);
  else if (hardwareOf(committed.machine) !== hardwareOf(result.machine)) {
    notes.push(
      `The committed numbers come from another machine (${committed.machine}); ratios may differ by that alone.`,
    );
  }
  return checkReport(result.name, judge(committed, result.sections, leastLoss), notes);
}

/** The machine without its date. */
const hardwareOf = (machine: string) => machine.split(', ').slice(0, -1).join(', ');
