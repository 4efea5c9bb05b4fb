import type { BenchContext } from '../bench.js';
import { createRandom } from '../makers/random.js';
import { formatNumber } from '../report/numbers.js';
import type { Section } from '../report/section.js';
import { createClient } from '../support/client.js';
import { interleave } from '../support/interleave.js';
import { cpuNanoseconds } from '../support/process-usage.js';
import type { Service, ServicePair, Variant } from '../support/service.js';
import { median, quantile } from '../support/statistics.js';
import { countFileWrites, type FileWrites } from './file-writes.js';
import type { WriteLedger, WrittenCanvas } from './write-ledger.js';

const canvasBytes = 20_000;
const clients = 20;
const canvasCount = 20;

type Slice = FileWrites & { writes: number; writesPerSecond: number; cpuMicrosPerWrite: number; latencies: number[] };

/** Clients that write as fast as they are answered; each call is one slice, the first only warms up. */
async function openWriters(service: Service, ledger: WriteLedger, seconds: number): Promise<() => Promise<Slice>> {
  const canvases: WrittenCanvas[] = [];
  for (let i = 0; i < canvasCount; i++) canvases.push(await ledger.open(service, `shared-${i}`, canvasBytes));
  const random = createRandom(canvasCount);

  const slice = async (): Promise<Slice> => {
    const client = createClient(service.origin, clients);
    const latencies: number[] = [];
    const cpuBefore = cpuNanoseconds(service.pid);
    const startedAt = performance.now();
    const deadline = startedAt + seconds * 1000;
    let endedAt = startedAt;
    const counted = await countFileWrites(service, async () => {
      const work = Array.from({ length: clients }, async () => {
        while (performance.now() < deadline) latencies.push(await random.pick(canvases).put(client));
      });
      await Promise.all(work);
      endedAt = performance.now();
    });
    const writesPerSecond = latencies.length / ((endedAt - startedAt) / 1000);
    client.close();
    const cpuMicrosPerWrite = (cpuNanoseconds(service.pid) - cpuBefore) / 1000 / latencies.length;
    return { ...counted, writes: latencies.length, writesPerSecond, cpuMicrosPerWrite, latencies };
  };
  await slice();
  return slice;
}

/**
 * Twenty clients that write twenty canvases as fast as they are answered.
 * @source product contract, "Optimisations" (batch_writer)
 */
export async function benchConcurrentWrites(
  context: BenchContext,
  services: ServicePair,
  ledger: WriteLedger,
): Promise<Section> {
  context.note('20 clients writing 20 canvases');
  const seconds = context.quick ? 0.5 : 1.5;
  const rounds = await interleave(context.quick ? 1 : 5, {
    optimized: await openWriters(services.optimized, ledger, seconds),
    baseline: await openWriters(services.baseline, ledger, seconds),
  });

  const row = (variant: Variant) => {
    const latencies = rounds.flatMap((round) => round[variant].latencies);
    const middle = (value: (slice: Slice) => number) => median(rounds.map((round) => value(round[variant])));
    const numbers = [
      middle((slice) => slice.writesPerSecond),
      middle((slice) => slice.cpuMicrosPerWrite),
      middle((slice) => slice.fileWrites / slice.writes),
      middle((slice) => slice.writtenBytes / slice.writes / 1000),
      quantile(latencies, 0.5),
      quantile(latencies, 0.99),
    ];
    return [variant, ...numbers.map(formatNumber)];
  };
  return {
    title: 'Canvases: concurrent writes',
    how:
      `${clients} clients write ${canvasCount} canvases of 20 KB at random, each sending its next write when the last ` +
      'one is answered. A window makes such a client wait for it, which is the price of the writes it saves. The same ' +
      'check after a kill as above.',
    figures: [
      {
        measure: 'writes/s, optimized / baseline',
        unit: 'x',
        holds: 'high',
        rounds: rounds.map(({ optimized, baseline }) => optimized.writesPerSecond / baseline.writesPerSecond),
        perRound: `${seconds} s for each`,
        asked: { relation: 'at least', value: 1.5 },
      },
    ],
    tables: [
      {
        heading: [
          'variant',
          'writes/s',
          'CPU us/write',
          'file writes / write',
          'KB written / write',
          'ack p50 ms',
          'ack p99 ms',
        ],
        rows: [row('optimized'), row('baseline')],
      },
    ],
  };
}
