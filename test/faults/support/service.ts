/**
 * The service as a process of its own, to be killed. A ground is a folder with a vault and a data folder, on which one
 * service after the other is started; when the test ends its services are killed, its file systems unmounted and its
 * folder removed.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { HttpClient } from './http-client.js';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const builtMain = path.join(repository, 'dist', 'main.js');
const badServer = fileURLToPath(new URL('bad-server.ts', import.meta.url));

/** What node is started with. */
export type Program = readonly string[];

/** The built service; `FAULTS_MAIN` names another build of it. */
export function theService(): Program {
  const main = process.env.FAULTS_MAIN || builtMain;
  if (!existsSync(main)) throw new Error('expected the built service in dist/: run `npm run build` first');
  return [main];
}

/** A writer that is known to be wrong (or, as a control, right); see bad-server.ts. */
export const knownWriter = (how: string): Program => ['--import', 'tsx', badServer, how];

export interface RunningService {
  readonly pid: number;
  readonly client: HttpClient;
  /** From the start of the process until it listens. */
  readonly startedInMs: number;
  /** What that took of the processor, which other programs on the machine do not change; undefined outside Linux. */
  readonly startCpuMs: number | undefined;
  isAlive(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL; kept when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM; answers the exit code. */
  stop(): Promise<number | null>;
  log(): string;
}

export interface GroundOptions {
  program?: Program;
  /** Default true; false turns the flag `batch_writer` off. */
  batched?: boolean;
  env?: Record<string, string>;
}

const startLimitMs = 30_000;

export class Ground {
  readonly folder: string;
  vaultDir: string;
  dataDir: string;
  readonly #options: GroundOptions;
  readonly #services = new Set<RunningService>();
  readonly #undo: (() => void | Promise<void>)[] = [];

  constructor(folder: string, options: GroundOptions) {
    this.folder = folder;
    this.vaultDir = path.join(folder, 'vault');
    this.dataDir = path.join(folder, 'data');
    this.#options = options;
  }

  /** Runs when the test ends, the last one first, after the services were sent SIGKILL. */
  undo(work: () => void | Promise<void>): void {
    this.#undo.push(work);
  }

  async start(): Promise<RunningService> {
    const { program = theService(), env = {} } = this.#options;
    await mkdir(this.vaultDir, { recursive: true });
    const startedAt = performance.now();
    const child = spawn(process.execPath, [...program], {
      cwd: repository,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        PORT: '0',
        VAULT_DIR: this.vaultDir,
        DATA_DIR: this.dataDir,
        LANCEDB_URI: path.join(this.folder, 'lancedb'),
        OPTIMIZATION_CONFIG: path.join(this.folder, 'optimization.yaml'),
        ...env,
      },
    });
    const service = await listening(child, startedAt);
    this.#services.add(service);
    return service;
  }

  async clear(): Promise<void> {
    for (const service of this.#services) service.signal('SIGKILL');
    for (const work of this.#undo.splice(0).reverse()) await work();
    for (const service of this.#services) await service.kill();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

export async function openGround(options: GroundOptions = {}): Promise<Ground> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'clb-faults-'));
  const ground = new Ground(folder, options);
  onTestFinished(() => ground.clear());
  const flags = options.batched === false ? 'enabled: true\nbatch_writer:\n  enabled: false\n' : 'enabled: true\n';
  await writeFile(path.join(folder, 'optimization.yaml'), flags);
  return ground;
}

/** By proc(5): user and system time, in ticks of 10 ms. */
function processorMs(pid: number): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return undefined;
  }
}

async function listening(child: ChildProcess, startedAt: number): Promise<RunningService> {
  let text = '';
  let isGone = false;
  const gone = once(child, 'exit').then(([code]) => {
    isGone = true;
    return code as number | null;
  });
  const origin = await new Promise<string>((resolve, reject) => {
    const giveUp = (why: string) => {
      child.kill('SIGKILL');
      reject(new Error(`the service did not start (${why}):\n${text}`));
    };
    const timer = setTimeout(() => giveUp(`${startLimitMs} ms`), startLimitMs);
    const collect = (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-100_000);
      const api = /"api":"(http:[^"]+)"[^\n]*"msg":"listening"/.exec(text)?.[1];
      if (!api) return;
      clearTimeout(timer);
      resolve(api);
    };
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    void gone.then((code) => {
      clearTimeout(timer);
      giveUp(`exit code ${code}`);
    });
  });
  const startedInMs = performance.now() - startedAt;
  const startCpuMs = processorMs(child.pid!);
  const client = new HttpClient(origin);
  const end = async (signal: NodeJS.Signals) => {
    if (!isGone) child.kill(signal);
    const code = await gone;
    client.close();
    return code;
  };
  return {
    pid: child.pid!,
    client,
    startedInMs,
    startCpuMs,
    isAlive: () => !isGone,
    signal: (signal) => void (isGone || child.kill(signal)),
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
    log: () => text,
  };
}

/** Which of the newer routes this build of the service has. */
export async function routesOf(service: RunningService): Promise<{ edits: boolean; versions: boolean }> {
  const { status, body } = await service.client.get('/openapi.json');
  if (status !== 200) return { edits: false, versions: false };
  const { paths } = JSON.parse(body.toString()) as { paths: Record<string, object> };
  const has = (pattern: RegExp) => Object.keys(paths).some((route) => pattern.test(route));
  return { edits: has(/\/nodes\/\{id\}$/), versions: has(/^\/canvas\/\{path\}\/versions$/) };
}

/** Whether a command can be run here. */
export function hasTool(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

export const isRoot = process.getuid?.() === 0;
