import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { benchAgents } from './agents.js';
import { type BenchArguments, readArguments } from './arguments.js';
import type { Bench, BenchContext } from './bench.js';
import { benchCanvases } from './canvases.js';
import { checkBench, checkedOf, committedRows, withoutRatios } from './check/check-bench.js';
import { benchEvents } from './events.js';
import { benchMemory } from './memory.js';
import { benchRollback } from './monitoring/rollback-speed.js';
import { benchMonitoring } from './monitoring.js';
import { benchmarkDocument, machineLine } from './report/document.js';
import { sectionMarkdown } from './report/markdown.js';
import { withoutPlaces } from './report/places.js';
import { type BenchResult, readResults, saveResult } from './report/results.js';
import type { Section } from './report/section.js';
import { benchScheduler } from './scheduler.js';
import { benchSearches } from './search.js';
import { killChildren } from './support/child.js';
import { benchTrajectories } from './trajectories.js';
import { benchTrajectoryPages } from './trajectory-pages.js';

// The benches' command line. Ends with 1 when a bench could not be run or the service answered wrongly; a missed figure
// is a result, not an error. A check ends with 1, too, when a ratio has become worse than committed by more than noise.
const benches: Record<string, Bench> = {
  canvases: benchCanvases,
  trajectories: benchTrajectories,
  pages: benchTrajectoryPages,
  search: benchSearches,
  scheduler: benchScheduler,
  agents: benchAgents,
  events: benchEvents,
  memory: benchMemory,
  monitoring: benchMonitoring,
  rollback: benchRollback,
};
/** The benches that have a part for a sample. */
const sampled = ['trajectories'];
const root = fileURLToPath(new URL('..', import.meta.url));
const resultsFolder = path.join(root, 'docs/benchmarks');

const usage = `Usage: npm run bench -- [name...] [--rows n,...] [--quick] [--out file] [--check [--sample]] [--no-build]

  name        ${Object.keys(benches).join(', ')}; all of them when none is given
  --rows      numbers of records for pages (10000,100000 otherwise), events (100000 otherwise), memory (10000 otherwise) and rollback
              (100000 otherwise)
  --quick     only see whether the benches work: seconds instead of minutes
  --out       a document of its own; without it, the numbers go to docs/benchmarks/ and docs/benchmarks.md is written anew
              from all of them, unless it is a trial
  --check     keep nothing; compare the ratios (never times) with those of docs/benchmarks/, and end with 1 when one was
              lost by more than the rounds scatter (of fewer than three rounds: by more than half), or is not measured any
              more; ${withoutRatios.join(', ')} have none
  --sample    with --check: some large ratios only, within a minute or so, for any machine, however busy: lost is what is
              less than a third of the committed
  --no-build  measure dist/ as it is
`;

const print = (text: string) => process.stdout.write(`${withoutPlaces(text, root)}\n`);
const note = (text: string) => process.stderr.write(`${withoutPlaces(text, root)}\n`);

function build(): void {
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error('the service does not build');
}

async function* runBench(name: string, how: Omit<BenchContext, 'folder' | 'note'>): AsyncGenerator<Section> {
  const folder = await mkdtemp(path.join(os.tmpdir(), `clb-bench-${name}-`));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.on('exit', removeFolder);
  try {
    yield* (benches[name] as Bench)({ ...how, folder, note });
  } finally {
    killChildren();
    removeFolder();
    process.off('exit', removeFolder);
  }
}

function namesFor({ names, check: isCheck, sample }: BenchArguments): string[] {
  if (sample) return sampled;
  if (!isCheck) return names;
  const { checked, note: told } = checkedOf(names);
  if (told) print(`${told}\n`);
  return checked;
}

async function main(): Promise<void> {
  const asked = readArguments(process.argv.slice(2), Object.keys(benches));
  if (asked.help) {
    print(usage);
    return;
  }
  if (process.platform !== 'linux') throw new Error('the benches read /proc: they need Linux');
  if (asked.build) build();
  const machine = machineLine(new Date());
  print(asked.quick ? 'A trial run: the numbers mean nothing.\n' : `${machine}\n`);
  const results: BenchResult[] = [];
  for (const name of namesFor(asked)) {
    const sections: Section[] = [];
    for await (const section of runBench(name, {
      quick: asked.quick,
      isCheck: asked.check,
      isSample: asked.sample,
      rows: asked.check ? await committedRows(resultsFolder, name) : asked.rows,
    })) {
      print(`${sectionMarkdown(section)}\n`);
      sections.push(section);
    }
    results.push({ name, command: asked.commandFor(name), machine, sections });
    const result = results.at(-1) as BenchResult;
    if (asked.check) await check(result, asked.sample);
    else if (!asked.quick && asked.out === undefined) await keep(result);
  }
  if (asked.out !== undefined) await writeDocument(asked.out, results);
}

async function check(result: BenchResult, isSample: boolean): Promise<void> {
  const { text, isLost } = await checkBench(resultsFolder, result, isSample);
  print(`${text}\n`);
  if (isLost) process.exitCode = 1;
}

/** Keeps the numbers of one bench, and writes the page anew from those of all. */
async function keep(result: BenchResult): Promise<void> {
  await saveResult(resultsFolder, result);
  await writeDocument('docs/benchmarks.md', await readResults(resultsFolder, Object.keys(benches)));
  // As the linter wants what is committed.
  spawnSync('npx', ['biome', 'format', '--write', 'docs'], { cwd: root });
}

async function writeDocument(out: string, results: readonly BenchResult[]): Promise<void> {
  const file = path.resolve(root, out);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, withoutPlaces(benchmarkDocument(results), root));
  note(`written: ${path.relative(root, file)}`);
}

try {
  await main();
} catch (error) {
  note((error as Error).message);
  process.exitCode = 1;
}
