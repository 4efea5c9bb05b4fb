import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchContext } from '../../bench.js';
import { formatNumber } from '../../report/numbers.js';
import type { Section } from '../../report/section.js';
import { interleave } from '../../support/interleave.js';
import type { Variant } from '../../support/service.js';
import { median } from '../../support/statistics.js';

/**
 * What a writing process is asked to do, and what it tells afterwards.
 * @source product contract, "Optimisations" (batch_writer)
 */
export interface WriterTask {
  seconds: number;
  clients: number;
}

/** @source product contract, "Optimisations" (batch_writer) */
export interface WriterReport {
  writesPerSecond: number;
  flushesPerWrite: number;
  cpuMicrosPerWrite: number;
}

type Writer = { write(task: WriterTask): Promise<WriterReport>; close(): Promise<void> };

const clients = 20;

async function startWriter(folder: string, variant: Variant, addedFlushMs: number): Promise<Writer> {
  const program = fileURLToPath(new URL('writer-process.ts', import.meta.url));
  const own = path.join(folder, `${variant}-${addedFlushMs}`);
  const child = fork(program, [own, variant, String(addedFlushMs)], { execArgv: ['--import', 'tsx'] });
  const ended = once(child, 'exit');
  const said = async (): Promise<unknown> => {
    const [message] = await Promise.race([once(child, 'message'), ended.then(() => [undefined])]);
    if (message === undefined) throw new Error('a process that writes ended too early');
    return message;
  };
  await said();
  return {
    write: async (task) => {
      const answer = said();
      child.send(task);
      return (await answer) as WriterReport;
    },
    close: async () => {
      child.disconnect();
      await ended;
    },
  };
}

async function takeRounds(context: BenchContext, addedFlushMs: number) {
  const folder = path.join(context.folder, 'writers');
  const optimized = await startWriter(folder, 'optimized', addedFlushMs);
  const baseline = await startWriter(folder, 'baseline', addedFlushMs);
  const task = { seconds: context.quick ? 0.3 : 1.5, clients };
  try {
    for (const writer of [optimized, baseline]) await writer.write(task);
    return await interleave(context.quick ? 1 : 7, {
      optimized: () => optimized.write(task),
      baseline: () => baseline.write(task),
    });
  } finally {
    await optimized.close();
    await baseline.close();
  }
}

/**
 * The writer by itself, without a server: a journal with one flush for all that is in flight, against one durable atomic
 * file write for each request.
 * @source story-17.4 AC2; product contract, Promises 1
 */
export async function benchWriterSpeed(context: BenchContext): Promise<Section> {
  context.note('the writer by itself');
  const disks = [
    { name: 'this disk', addedMs: 0, asked: 3 },
    { name: 'a flush of 4 ms', addedMs: 4, asked: 10 },
  ];
  const figures: Section['figures'] = [];
  const rows: string[][] = [];
  for (const { name, addedMs, asked } of disks) {
    const rounds = await takeRounds(context, addedMs);
    figures.push({
      measure: `${name}: writes/s, optimized / baseline`,
      unit: 'x',
      holds: 'high',
      rounds: rounds.map(({ optimized, baseline }) => optimized.writesPerSecond / baseline.writesPerSecond),
      perRound: 'a slice of 1.5 s for each',
      asked: { relation: 'at least', value: asked },
    });
    for (const variant of ['optimized', 'baseline'] as const) {
      const fields = ['writesPerSecond', 'flushesPerWrite', 'cpuMicrosPerWrite'] as const;
      const medians = fields.map((field) => median(rounds.map((round) => round[variant][field])));
      rows.push([`${name}, ${variant}`, ...medians.map(formatNumber)]);
    }
  }
  return {
    title: 'Canvases: the writer',
    how:
      `${clients} callers write 20 canvases of 50 KB at random, each its next when the last one is durable: the part ` +
      'that holds the canvases is opened in a process of its own, without a server; only `batch_writer` differs. Each ' +
      'write is checked like a request. For a slower disk each fsync and fdatasync of the process is carried out and ' +
      'then takes 4 ms more, one after the other, in both variants.',
    figures,
    tables: [{ heading: ['medians of the rounds', 'writes/s', 'flushes / write', 'CPU us/write'], rows }],
  };
}
