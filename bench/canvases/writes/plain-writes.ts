import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchContext } from '../../bench.js';
import { makeCanvas, withRevision } from '../../makers/canvas-maker.js';
import { createRandom } from '../../makers/random.js';
import { formatNumber } from '../../report/numbers.js';
import type { Section } from '../../report/section.js';
import { type ChildServer, startChild } from '../../support/child.js';
import { createClient, expectStatus } from '../../support/client.js';
import { interleave } from '../../support/interleave.js';
import { cpuNanoseconds } from '../../support/process-usage.js';
import type { Service } from '../../support/service.js';
import { median, quantile } from '../../support/statistics.js';

const canvasBytes = 50_000;
const clients = 20;
const canvasCount = 20;

interface Slice {
  writesPerSecond: number;
  cpuMicrosPerWrite: number;
  latencies: number[];
}

async function startPlainHandler(folder: string): Promise<ChildServer> {
  await mkdir(folder, { recursive: true });
  return startChild({
    nodeArguments: ['--import', 'tsx', fileURLToPath(new URL('plain-handler.ts', import.meta.url)), folder],
    environment: {},
    logFile: `${folder}.log`,
  });
}

/** Clients that write as fast as they are answered; each call is one slice. */
function openWriters({ origin, pid }: ChildServer, seconds: number): () => Promise<Slice> {
  const template = makeCanvas(canvasBytes, canvasBytes);
  const random = createRandom(canvasCount);
  let revision = 0;
  return async () => {
    const client = createClient(origin, clients);
    const latencies: number[] = [];
    const cpuBefore = cpuNanoseconds(pid);
    const startedAt = performance.now();
    const work = Array.from({ length: clients }, async () => {
      while (performance.now() - startedAt < seconds * 1000) {
        revision += 1;
        const name = `plain-${random.integer(0, canvasCount - 1)}.canvas`;
        const body = withRevision(template, revision);
        const headers = { 'content-type': 'application/json' };
        const answer = await client.request('PUT', `/canvas/${name}`, { headers, body });
        expectStatus(answer, [200, 201], `PUT ${name}`);
        latencies.push(answer.milliseconds);
      }
    });
    await Promise.all(work);
    const elapsed = (performance.now() - startedAt) / 1000;
    client.close();
    const cpuMicrosPerWrite = (cpuNanoseconds(pid) - cpuBefore) / 1000 / latencies.length;
    return { writesPerSecond: latencies.length / elapsed, cpuMicrosPerWrite, latencies };
  };
}

/**
 * Durable writes against those of a handler that parses the body and writes the file, and promises nothing.
 * @source product contract, "Optimisations" (batch_writer), Promises 1
 */
export async function benchPlainWrites(context: BenchContext, service: Service): Promise<Section> {
  context.note('durable writes against a plain handler');
  const seconds = context.quick ? 0.5 : 1.5;
  const plain = await startPlainHandler(path.join(context.folder, 'plain'));
  const contestants = { durable: openWriters(service, seconds), plain: openWriters(plain, seconds) };
  for (const slice of [contestants.durable, contestants.plain]) await slice();
  const rounds = await interleave(context.quick ? 1 : 7, contestants);
  await plain.stop();
  const row = (name: 'durable' | 'plain') => {
    const latencies = rounds.flatMap((round) => round[name].latencies);
    const middle = (field: 'writesPerSecond' | 'cpuMicrosPerWrite') =>
      median(rounds.map((round) => round[name][field]));
    const numbers = [middle('writesPerSecond'), middle('cpuMicrosPerWrite')];
    return [name, ...[...numbers, quantile(latencies, 0.5), quantile(latencies, 0.99)].map(formatNumber)];
  };
  return {
    title: 'Canvases: durable writes against a plain handler',
    how:
      `${clients} clients write ${canvasCount} canvases of 50 KB at random, each sending its next write when the last ` +
      'one is answered. "durable" is the service: the body is checked as a canvas and safe on disk when it is answered. ' +
      '"plain" is a Fastify route in a process of its own that parses the body and hands it to `fs.writeFile`, without ' +
      'a check, a log, a metric, or a flush.',
    figures: [
      {
        measure: 'writes/s, durable / plain',
        unit: 'x',
        holds: 'high',
        rounds: rounds.map(({ durable, plain: other }) => durable.writesPerSecond / other.writesPerSecond),
        perRound: `${seconds} s for each`,
        asked: { relation: 'at least', value: 1.2 },
      },
      {
        measure: 'CPU time a write, plain / durable',
        unit: 'x',
        holds: 'high',
        rounds: rounds.map(({ durable, plain: other }) => other.cpuMicrosPerWrite / durable.cpuMicrosPerWrite),
        perRound: `${seconds} s for each`,
      },
    ],
    tables: [
      {
        heading: ['contestant', 'writes/s', 'CPU us/write', 'ack p50 ms', 'ack p99 ms'],
        rows: [row('durable'), row('plain')],
      },
    ],
  };
}
