import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchContext } from '../bench.js';
import { makeCanvas, withRevision } from '../makers/canvas-maker.js';
import { formatNumber } from '../report/numbers.js';
import type { Section } from '../report/section.js';
import { createClient, expectStatus } from '../support/client.js';
import { interleave } from '../support/interleave.js';
import { cpuNanoseconds } from '../support/process-usage.js';
import { startService } from '../support/service.js';
import { median } from '../support/statistics.js';

const canvasCount = 32;
const mostMs = 1300;
const root = fileURLToPath(new URL('../..', import.meta.url));
/** What every start loads that is not the service's own. */
const libraries = [
  '@lancedb/lancedb',
  'fastify',
  'fastify-type-provider-zod',
  'lru-cache',
  'pino',
  'prom-client',
  'yaml',
  'zod',
];

interface Start {
  cpuMs: number;
  wallMs: number;
}

/** The CPU time of a process that loads the libraries and ends. */
function loadLibraries(): Start {
  const script = `
    for (const name of ${JSON.stringify(libraries)}) await import(name);
    const { user, system } = process.cpuUsage();
    process.stdout.write(String((user + system) / 1000));
    process.exit(0);`;
  const startedAt = performance.now();
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root });
  if (status !== 0) throw new Error('the libraries could not be loaded');
  return { cpuMs: Number(stdout), wallMs: performance.now() - startedAt };
}

/**
 * The start after a kill: from the process to `/ready`, in CPU time and by the clock.
 * @source product contract, Canvases; Promises 1
 */
export async function benchServiceStart(context: BenchContext): Promise<Section> {
  context.note('start after a kill');
  const folder = path.join(context.folder, 'started');
  const canvas = makeCanvas(20_000, 1);
  let service = await startService(folder, 'optimized');
  let revision = 0;

  async function start(): Promise<Start> {
    const client = createClient(service.origin, canvasCount);
    revision += 1;
    const writes = Array.from({ length: canvasCount }, async (_, index) => {
      const address = `/canvas/${index}.canvas`;
      const sent = { body: withRevision(canvas, revision), headers: { 'content-type': 'application/json' } };
      expectStatus(await client.request('PUT', address, sent), [200, 201], `PUT ${address}`);
    });
    await Promise.all(writes);
    client.close();
    await service.kill();
    const startedAt = performance.now();
    service = await startService(folder, 'optimized');
    return { wallMs: performance.now() - startedAt, cpuMs: cpuNanoseconds(service.pid) / 1e6 };
  }

  const rounds = await interleave(context.quick ? 2 : 11, {
    service: start,
    libraries: async () => loadLibraries(),
  });
  await service.stop();
  const perRound = '1 start';
  const asked = { relation: 'at most', value: mostMs } as const;
  const middle = (name: 'service' | 'libraries', field: keyof Start) =>
    formatNumber(median(rounds.map((round) => round[name][field])));
  return {
    title: 'Canvases: start after a kill',
    how:
      `${canvasCount} canvases of 20 KB are written and acknowledged, the service is killed (\`kill -9\`) before most of ` +
      'them are in their files, and started again: CPU time of all its threads and time by the clock until `/ready` says ' +
      `so, looked at every 20 ms. "libraries" is a process that loads ${libraries.join(', ')} and ends.`,
    figures: [
      { measure: 'CPU to /ready', unit: 'ms', rounds: rounds.map(({ service: of }) => of.cpuMs), perRound, asked },
      { measure: 'time to /ready', unit: 'ms', rounds: rounds.map(({ service: of }) => of.wallMs), perRound, asked },
      {
        measure: 'CPU, service / libraries',
        unit: 'x',
        rounds: rounds.map((round) => round.service.cpuMs / round.libraries.cpuMs),
        perRound,
        holds: 'low',
      },
    ],
    tables: [
      {
        heading: ['medians', 'CPU ms', 'ms by the clock'],
        rows: (['service', 'libraries'] as const).map((name) => [name, middle(name, 'cpuMs'), middle(name, 'wallMs')]),
      },
    ],
  };
}
