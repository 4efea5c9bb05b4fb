import { readArguments } from '../arguments.js';
import { type BenchResult, readResults } from '../report/results.js';
import { judge } from './compare.js';
import { checkReport } from './report.js';

/**
 * The benches without a ratio to compare: times, and counts of their own.
 * @source issue "Regression guard"
 */
export const withoutRatios: readonly string[] = ['pages', 'agents', 'rollback'];

/**
 * The benches that a check runs of those asked for, and what it says of the others.
 * @source issue "Regression guard"
 */
export function checkedOf(names: readonly string[]): { checked: string[]; note: string | undefined } {
  const checked = names.filter((name) => !withoutRatios.includes(name));
  const left = names.filter((name) => withoutRatios.includes(name));
  return { checked, note: left.length > 0 ? `Not checked, for they have no ratios: ${left.join(', ')}.` : undefined };
}

async function readCommitted(folder: string, name: string): Promise<BenchResult | undefined> {
  const [committed] = await readResults(folder, [name]).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return committed;
}

/**
 * The numbers of records of the committed numbers: others would not be compared with them.
 * @returns none where the bench's own were taken, or where there are no committed numbers
 * @source issue "Regression guard"
 */
export async function committedRows(folder: string, name: string): Promise<number[]> {
  const { command = '' } = (await readCommitted(folder, name)) ?? {};
  const [, given] = command.split(' -- ');
  return given === undefined ? [] : readArguments(given.split(' '), [name]).rows;
}

/**
 * Compares a bench that was just run with its committed numbers. Without any, that is said and nothing is lost; with
 * some of which none could be judged, all is.
 * @param folder of the committed numbers; it need not exist
 * @param isSample whether only a part of the bench was run, see {@link judge}
 * @source issue "Regression guard"
 */
export async function checkBench(
  folder: string,
  result: BenchResult,
  isSample = false,
): Promise<{ text: string; isLost: boolean }> {
  const committed = await readCommitted(folder, result.name);
  const notes: string[] = [];
  if (!committed)
    notes.push(`There are no committed numbers of ${result.name}: run \`npm run bench -- ${result.name}\`.`);
  else if (hardwareOf(committed.machine) !== hardwareOf(result.machine)) {
    notes.push(
      `The committed numbers come from another machine (${committed.machine}); ratios may differ by that alone.`,
    );
  }
  const judgements = judge(committed, result.sections, isSample);
  const { text, isLost } = checkReport(result.name, judgements, notes);
  const isEmpty = committed !== undefined && judgements.every(({ verdict }) => verdict === 'unknown');
  return isEmpty ? { text: `${text} A check that judges nothing fails.`, isLost: true } : { text, isLost };
}

/** The machine without its date. */
const hardwareOf = (machine: string) => machine.split(', ').slice(0, -1).join(', ');
