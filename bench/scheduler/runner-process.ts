import { setTimeout as wait } from 'node:timers/promises';
import { openUpstream, type Permit } from '../../src/upstream/index.js';
import { peakResidentBytes } from '../support/process-usage.js';
import { quantile } from '../support/statistics.js';
import { createRunner } from './runners.js';
import type { Runner, RunResult, ScenarioName } from './scenario.js';

// One run in a process of its own: node runner-process.ts <scenario> <runner> <seconds> [<address of the endpoint>].
// Prints its result as one line of JSON.
const [scenario, runnerName, secondsText, address = ''] = process.argv.slice(2) as [
  ScenarioName,
  Runner,
  string,
  string?,
];
const durationMs = Number(secondsText) * 1000;
const runner = await createRunner(runnerName, scenario === 'endpoint' ? 'model' : undefined);
const upstream = openUpstream({
  name: 'model',
  baseUrl: address || 'http://127.0.0.1:9',
  policy: 'model',
  onEvent: runner.observeUpstream,
});

function compute(ms: number): void {
  const until = process.cpuUsage().user / 1000 + ms;
  while (process.cpuUsage().user / 1000 < until);
}

const held: number[][] = [];
const tasks: Record<ScenarioName, (permit?: Permit) => Promise<unknown>> = {
  calm: () => wait(200),
  waiting: () => wait(200),
  bursts: () => wait(100),
  async cpu() {
    compute(5);
    await wait(5);
  },
  async memory() {
    // Numbers that are no integers take eight bytes each, on the heap.
    const block = Array.from({ length: 1_000_000 }, (_, i) => i + 0.5);
    held.push(block);
    await wait(300);
    held.splice(held.indexOf(block), 1);
  },
  endpoint: (permit) => upstream.postJson('/', {}, { permit }),
};

const durations: number[] = [];
let completed = 0;
let failed = 0;
const startedAt = performance.now();
const isOver = () => performance.now() - startedAt >= durationMs;

async function one(): Promise<void> {
  const arrivedAt = performance.now();
  await runner
    .add(async (permit) => {
      if (isOver()) return;
      const begunAt = scenario === 'bursts' ? arrivedAt : performance.now();
      try {
        await tasks[scenario](permit);
      } catch {
        if (!isOver()) failed++;
        return;
      }
      if (isOver()) return;
      completed++;
      durations.push(performance.now() - begunAt);
    })
    .catch(() => {});
}

async function backlog(): Promise<void> {
  await Promise.all(
    Array.from({ length: 200 }, async () => {
      while (!isOver()) await one();
    }),
  );
}

async function bursts(): Promise<void> {
  const all: Promise<void>[] = [];
  while (!isOver()) {
    for (let i = 0; i < 60; i++) all.push(one());
    await wait(1000);
  }
  await Promise.all(all);
}

void (scenario === 'bursts' ? bursts() : backlog());
await wait(durationMs);
const result: RunResult = {
  died: false,
  perSecond: (completed * 1000) / (performance.now() - startedAt),
  failed,
  p95Ms: quantile(durations, 0.95),
  peakMiB: peakResidentBytes(process.pid) / 2 ** 20,
  decisions: runner.decisions(),
};
process.stdout.write(`\n${JSON.stringify(result)}\n`, () => process.exit(0));
