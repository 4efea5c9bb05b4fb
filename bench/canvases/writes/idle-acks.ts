import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { BenchContext } from '../../bench.js';
import { formatNumber } from '../../report/numbers.js';
import type { Section } from '../../report/section.js';
import { createClient } from '../../support/client.js';
import { interleave } from '../../support/interleave.js';
import type { Service, ServicePair, Variant } from '../../support/service.js';
import { quantile } from '../../support/statistics.js';
import type { WriteLedger } from '../write-ledger.js';

const canvasBytes = 50_000;
const thinkMs = 20;
/** About what the journal writes down for one such change. */
const appendBytes = 512;

/** One client that rests between its writes. */
async function openClient(service: Service, ledger: WriteLedger, writes: number): Promise<() => Promise<number[]>> {
  const canvas = await ledger.open(service, 'idle', canvasBytes);
  return async () => {
    const client = createClient(service.origin, 1);
    const latencies: number[] = [];
    await canvas.put(client);
    for (let i = 0; i < writes; i++) {
      await wait(thinkMs);
      latencies.push(await canvas.put(client));
    }
    client.close();
    return latencies;
  };
}

/** What no durable answer can be quicker than here: one small append, flushed. */
function openAppender(file: FileHandle, writes: number): () => Promise<number[]> {
  const bytes = Buffer.alloc(appendBytes, 'a');
  return async () => {
    const latencies: number[] = [];
    for (let i = 0; i < writes; i++) {
      await wait(thinkMs);
      const startedAt = performance.now();
      await file.write(bytes);
      await file.datasync();
      latencies.push(performance.now() - startedAt);
    }
    return latencies;
  };
}

/**
 * How long a single client waits until its write is durable.
 * @source product contract, "Optimisations" (batch_writer), Promises 1
 */
export async function benchIdleAcks(
  context: BenchContext,
  services: ServicePair,
  ledger: WriteLedger,
): Promise<Section> {
  context.note('one client, time to the answer');
  const writes = context.quick ? 20 : 200;
  const file = await open(path.join(context.folder, 'appended'), 'w');
  const contestants = {
    append: openAppender(file, writes),
    optimized: await openClient(services.optimized, ledger, writes),
    baseline: await openClient(services.baseline, ledger, writes),
  };
  for (const slice of Object.values(contestants)) await slice();
  const rounds = await interleave(context.quick ? 1 : 5, contestants);
  await file.close();
  const row = (variant: Variant | 'append') => {
    const latencies = rounds.flatMap((round) => round[variant]);
    return [variant, ...[0.5, 0.9, 0.99].map((share) => formatNumber(quantile(latencies, share)))];
  };
  return {
    title: 'Canvases: one client',
    how:
      `One client writes one canvas of 50 KB and rests ${thinkMs} ms after each answer. The same check after a kill as above. ` +
      `"append" is no service: ${appendBytes} bytes added to a file on the same disk and flushed, which any durable answer waits for.`,
    figures: [
      {
        measure: 'ack p99, optimized',
        unit: 'ms',
        rounds: rounds.map(({ optimized }) => quantile(optimized, 0.99)),
        perRound: `${writes} writes to each`,
        asked: { relation: 'at most', value: 10 },
      },
      {
        measure: 'p99 of an append and its flush alone',
        unit: 'ms',
        rounds: rounds.map(({ append }) => quantile(append, 0.99)),
        perRound: `${writes} appends`,
      },
    ],
    tables: [
      {
        heading: ['variant', 'ack p50 ms', 'ack p90 ms', 'ack p99 ms'],
        rows: [row('append'), row('optimized'), row('baseline')],
      },
    ],
  };
}
