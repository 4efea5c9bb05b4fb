import { setTimeout as wait } from 'node:timers/promises';
import type { BenchContext } from '../bench.js';
import { formatNumber } from '../report/numbers.js';
import type { Section } from '../report/section.js';
import { type Client, createClient } from '../support/client.js';
import { interleave } from '../support/interleave.js';
import type { Service, ServicePair, Variant } from '../support/service.js';
import { median, quantile } from '../support/statistics.js';
import { countFileWrites, type FileWrites } from './file-writes.js';
import type { WriteLedger, WrittenCanvas } from './write-ledger.js';
import { countFlushes } from './writes/flushes.js';

const canvasBytes = 50_000;
const everyMs = 50;
const pauseMs = 300;

type Slice = FileWrites & { latencies: number[] };

/** Sends a write every 50 ms, whether or not the earlier ones are answered. */
async function writeOpenLoop(canvas: WrittenCanvas, client: Client, writes: number): Promise<number[]> {
  const startedAt = performance.now();
  const answers: Promise<number>[] = [];
  for (let i = 0; i < writes; i++) {
    const dueAt = startedAt + i * everyMs;
    await wait(Math.max(0, dueAt - performance.now()));
    answers.push(canvas.put(client, dueAt));
  }
  return Promise.all(answers);
}

/** An editor that keeps saving one canvas; each call is one slice. */
async function openEditor(service: Service, ledger: WriteLedger, writes: number): Promise<() => Promise<Slice>> {
  const canvas = await ledger.open(service, 'autosave', canvasBytes);
  return async () => {
    const client = createClient(service.origin, 64);
    await canvas.put(client);
    await wait(pauseMs);
    let latencies: number[] = [];
    const counted = await countFileWrites(service, async () => {
      latencies = await writeOpenLoop(canvas, client, writes);
    });
    client.close();
    return { ...counted, latencies };
  };
}

/** Rounds of their own, since whoever counts the calls slows them down; none where they cannot be counted. */
async function countedFlushes(
  context: BenchContext,
  contestants: Record<Variant, () => Promise<Slice>>,
  services: ServicePair,
): Promise<Record<Variant, number>[]> {
  const counted = (variant: Variant) => () =>
    countFlushes(services[variant].pid, async () => {
      await contestants[variant]();
    });
  const rounds = await interleave(context.quick ? 1 : 3, {
    optimized: counted('optimized'),
    baseline: counted('baseline'),
  });
  const isCounted = (round: (typeof rounds)[number]): round is Record<Variant, number> =>
    round.optimized !== undefined && round.baseline !== undefined;
  if (!rounds.every(isCounted)) context.note('flushes are not counted: that takes strace');
  return rounds.filter(isCounted);
}

/**
 * An editor that saves one canvas 20 times a second: how much less is written than asked for.
 * @source story-17.4 AC2; product contract, "Optimisations" (batch_writer)
 */
export async function benchAutosave(
  context: BenchContext,
  services: ServicePair,
  ledger: WriteLedger,
): Promise<Section> {
  context.note('autosave, 20 writes a second');
  const writes = context.quick ? 20 : 60;
  const contestants = {
    optimized: await openEditor(services.optimized, ledger, writes),
    baseline: await openEditor(services.baseline, ledger, writes),
  };
  const rounds = await interleave(context.quick ? 1 : 5, contestants);
  const flushes = await countedFlushes(context, contestants, services);
  const perRound = `${writes} writes to each`;
  const saved = (field: 'fileWrites' | 'writtenBytes') =>
    rounds.map(({ optimized, baseline }) => (1 - optimized[field] / baseline[field]) * 100);
  const row = (variant: Variant) => {
    const latencies = rounds.flatMap((round) => round[variant].latencies);
    const perWrite = (field: 'fileWrites' | 'writtenBytes') =>
      median(rounds.map((round) => round[variant][field] / writes));
    const numbers = [
      perWrite('fileWrites'),
      perWrite('writtenBytes') / 1000,
      quantile(latencies, 0.5),
      quantile(latencies, 0.99),
    ];
    return [variant, ...numbers.map(formatNumber)];
  };
  return {
    title: 'Canvases: autosave',
    how:
      'One canvas of 50 KB gets a write every 50 ms, each with other bytes, sent whether or not the earlier ones are ' +
      'answered; latency runs from the moment it was due. File writes are the renames the kernel reports in the ' +
      'vault, bytes its account of what the process handed to write calls, answers and log lines included. Flushes (fsync, fdatasync) are counted by `strace` in rounds of their own. In the end the service is killed (`kill -9`) and ' +
      'started once more; then the file must be the last acknowledged write, byte for byte.',
    figures: [
      {
        measure: 'file writes saved',
        unit: '%',
        holds: 'high',
        rounds: saved('fileWrites'),
        perRound,
        asked: { relation: 'at least', value: 55 },
      },
      {
        measure: 'bytes written, of immediate writes',
        unit: '%',
        holds: 'low',
        rounds: saved('writtenBytes').map((share) => 100 - share),
        perRound,
        asked: { relation: 'at most', value: 12 },
      },
      ...(flushes.length === 0 && !context.isCheck
        ? []
        : [
            {
              measure: 'flushes, of immediate writes',
              unit: '%',
              holds: 'low' as const,
              rounds: flushes.map(({ optimized, baseline }) => (optimized / baseline) * 100),
              perRound,
              asked: { relation: 'at most' as const, value: 50 },
            },
          ]),
    ],
    tables: [
      {
        heading: ['variant', 'file writes / write', 'KB written / write', 'ack p50 ms', 'ack p99 ms'],
        rows: [row('optimized'), row('baseline')],
      },
    ],
  };
}
