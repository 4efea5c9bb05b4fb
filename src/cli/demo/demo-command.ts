import { setMaxListeners } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Client, ClientError, createClient } from '../../client/index.js';
import { type CommandIo, type ExitCode, exitCodes, UsageError } from '../exit-codes.js';
import { receive } from './demo-load.js';
import { nowLine, savingLines } from './demo-report.js';
import { DemoFailed, startDemoServer } from './demo-server.js';
import { startModelStandIn } from './model-stand-in.js';
import { writeSampleCanvases } from './sample-canvases.js';
import { sampleTrajectories } from './sample-trajectories.js';
import { everybody, remember } from './visitors.js';

/** What `--help` says. @source product contract, Optimisations (verification) */
export const demoUsage = `Usage: npm run demo -- [--minutes 5] [--trajectories 10000] [--port <port>]

Starts the service on made canvases and trajectories in a temporary folder and on a free port, lets a few visitors in,
and shows what each optimisation saves. Ends by itself, or with Ctrl-C; nothing of it stays.
`;

const chapters = 8;
const pastEvents = 4000;
const reportEveryMs = 5000;
/** Every so many reports the before and after is shown; each time, until there is a first saving. */
const savingsEvery = 4;

/** Its own, so that they can be edited while it runs: enough is verified that a minute is enough to see something. */
const flags = `# The optimisations of the demo. A change is live within 2 seconds; config/optimization.yaml explains each section.
enabled: true

# This share of the requests is answered the original way too, beside the request: the "before" of the figures.
verification:
  sample_rate: 0.2
  at_least_every_seconds: 1
`;

interface DemoOptions {
  minutes: number;
  trajectories: number;
  port: number;
}

function numberIn(text: string, name: string, most: number, least = 0): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most) return value;
  throw new UsageError(`--${name}: expected a number from ${least} to ${most}, got "${text}"`);
}

function parsed(argv: string[]): DemoOptions | 'help' {
  const options = {
    minutes: { type: 'string', default: '5' },
    trajectories: { type: 'string', default: '10000' },
    port: { type: 'string', default: '0' },
    help: { type: 'boolean', default: false },
  } as const;
  try {
    const { values } = parseArgs({ args: argv, options });
    if (values.help) return 'help';
    return {
      minutes: numberIn(values.minutes, 'minutes', 60),
      trajectories: Math.floor(numberIn(values.trajectories, 'trajectories', 1_000_000, 1)),
      port: Math.floor(numberIn(values.port, 'port', 65_535)),
    };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/**
 * Runs the demo to its end.
 * @param argv what follows the command's name
 * @param serviceCommand starts the service: what follows `node`
 * @returns 0 also when it was ended by hand, which is the usual way
 * @source product contract, Optimisations (verification); story-17.4 AC6, AC7
 */
export async function runDemoCommand(
  argv: string[],
  io: CommandIo,
  serviceCommand: readonly string[] = [fileURLToPath(new URL('../../main.js', import.meta.url))],
): Promise<ExitCode> {
  try {
    const options = parsed(argv);
    if (options === 'help') {
      io.stdout.write(demoUsage);
      return exitCodes.done;
    }
    await demonstrate(options, io, serviceCommand);
    return exitCodes.done;
  } catch (error) {
    if (io.interrupted.aborted) return exitCodes.done;
    if (error instanceof UsageError) {
      io.stderr.write(`${error.message}\n\n${demoUsage}`);
      return exitCodes.usage;
    }
    if (!(error instanceof DemoFailed || error instanceof ClientError)) throw error;
    io.stderr.write(`${error.message}\n`);
    return exitCodes.refused;
  }
}

async function demonstrate(options: DemoOptions, io: CommandIo, serviceCommand: readonly string[]): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'clb-demo-'));
  const flagsFile = path.join(folder, 'optimization.yaml');
  const vault = path.join(folder, 'vault');
  const standIn = await startModelStandIn();
  try {
    await mkdir(vault);
    await writeFile(flagsFile, flags);
    const canvases = await writeSampleCanvases(vault, chapters);
    const settings = {
      PORT: String(options.port),
      DATA_DIR: path.join(folder, 'data'),
      VAULT_DIR: vault,
      OPTIMIZATION_CONFIG: flagsFile,
      OPENAI_BASE_URL: standIn.baseUrl,
      OPENAI_MODEL: 'stand-in',
    };
    const service = await startDemoServer(serviceCommand, settings, folder, io.interrupted);
    const isOver = new AbortController();
    const leave = AbortSignal.any([io.interrupted, isOver.signal]);
    setMaxListeners(0, leave);
    let isDead = false;
    void service.ended.then(() => {
      isDead = !leave.aborted;
      isOver.abort();
    });
    const timeUp = setTimeout(() => isOver.abort(), options.minutes * 60_000);
    try {
      io.stdout.write(welcome(service.url, flagsFile, canvases.length, options));
      const client = createClient({ url: service.url });
      const visit = { client, canvases, trajectories: options.trajectories, leave };
      const { counts, left } = receive(everybody, visit);
      const importing = followImport(client, options.trajectories, leave);
      const remembered = unless(leave, remember(visit, pastEvents));
      await Promise.all([left, remembered, importing.ended, report({ io, client, leave, importing })]);
      if (isDead) throw new DemoFailed('The service ended before its time');
      if (counts.lastRefusal !== undefined) {
        io.stdout.write(
          `\n${counts.refusals} of ${counts.acts} visits were refused, the last one: ${counts.lastRefusal}\n`,
        );
      }
    } finally {
      clearTimeout(timeUp);
      await service.stop();
    }
  } finally {
    await standIn.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    io.stdout.write('\nThe demo has ended; its files are gone.\n');
  }
}

function welcome(url: string, flagsFile: string, canvases: number, { minutes, trajectories }: DemoOptions): string {
  return `
  dashboard      ${url}/dashboard
  documentation  ${url}/docs
  switches       ${flagsFile} (edit it while the demo runs)

${canvases} made canvases lie in the vault, ${trajectories} made trajectories are being imported, ten visitors read, write, search and ask
agents. Agents are answered by a stand-in for a model: its answers and its delay are invented. One request in five is
answered the original way as well, beside the request: that is where "before" comes from.
The demo ends in ${minutes} minutes, or with Ctrl-C, and leaves nothing behind.

`;
}

/** Whatever breaks off because it is time to leave is no failure. */
const unless = (leave: AbortSignal, work: Promise<void>) =>
  work.catch((error: unknown) => {
    if (!leave.aborted) throw error;
  });

interface FollowedImport {
  /** How far it is, for a report; undefined once it is over. */
  progress(): string | undefined;
  ended: Promise<void>;
}

/** Imports over HTTP, as people do, and follows it. */
function followImport(client: Client, count: number, leave: AbortSignal): FollowedImport {
  let stored: number | undefined = 0;
  async function run() {
    const { body } = await client.trajectories.importStream({ body: sampleTrajectories(count), signal: leave });
    const params = { task_id: body.task_id };
    for await (const { event, data } of client.trajectories.importEvents({ params, signal: leave })) {
      if (event === 'progress') stored = (data as { imported: number }).imported;
    }
  }
  return {
    progress: () => (stored === undefined ? undefined : `imported ${stored} of ${count}`),
    ended: unless(leave, run()).finally(() => {
      stored = undefined;
    }),
  };
}

interface Report {
  io: CommandIo;
  client: Client;
  leave: AbortSignal;
  importing: FollowedImport;
}

/** A line every few seconds, before and after now and then, and once more at the end. */
async function report({ io, client, leave, importing }: Report): Promise<void> {
  const startedAt = performance.now();
  let savingsDue = 1;
  for (let reports = 1; ; reports++) {
    await pause(reportEveryMs, undefined, { signal: leave }).catch(() => {});
    const summary = await client.monitoring.getMetricsSummary().then(
      ({ body }) => body,
      () => undefined,
    );
    // The service has ended.
    if (summary === undefined) return;
    const elapsedSeconds = (performance.now() - startedAt) / 1000;
    io.stdout.write(`${nowLine(elapsedSeconds, summary, importing.progress())}\n`);
    if (reports >= savingsDue || leave.aborted) {
      const lines = savingLines(summary);
      if (lines.length > 0) io.stdout.write(`${lines.join('\n')}\n`);
      if (lines.some((line) => line.includes('before'))) savingsDue = reports + savingsEvery;
    }
    if (leave.aborted) return;
  }
}
