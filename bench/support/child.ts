import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const startDeadlineMs = 30_000;
const stopDeadlineMs = 15_000;
const lookEveryMs = 20;

/**
 * A server in a process of its own. `stop` ends it in order and fails when it would not end or ended with an error;
 * `kill` gives it no chance to finish anything.
 * @source house rules, "a real child process"
 */
export interface ChildServer {
  origin: string;
  pid: number;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

const running = new Set<ChildProcess>();

/**
 * Ends at once what a failed bench has left running.
 * @source Node.js documentation, child_process "subprocess.kill()"
 */
export function killChildren(): void {
  for (const child of running) child.kill('SIGKILL');
}

process.on('exit', killChildren);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

/**
 * Starts a Node process whose output goes to `logFile`, and waits until that tells the address it listens on. The
 * child sees no variable of this process but PATH, so that nothing set here changes what is measured.
 * @param nodeArguments what follows `node`
 * @throws Error with the end of the log when the process ends or stays silent
 * @source Node.js documentation, child_process "child_process.spawn()"
 */
export async function startChild(options: {
  nodeArguments: string[];
  environment: Record<string, string>;
  logFile: string;
}): Promise<ChildServer> {
  const log = openSync(options.logFile, 'w');
  const child = spawn(process.execPath, options.nodeArguments, {
    env: { PATH: process.env.PATH, ...options.environment },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  running.add(child);
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      running.delete(child);
      resolve();
    });
  });
  const logTail = () => readFileSync(options.logFile, 'utf8').trimEnd().split('\n').slice(-5).join('\n');

  const origin = await listeningAddress(child, options.logFile);
  if (origin === undefined) {
    child.kill('SIGKILL');
    await ended;
    throw new Error(`a server did not start; the end of its log:\n${logTail()}`);
  }
  return {
    origin,
    pid: child.pid as number,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), stopDeadlineMs);
      await ended;
      clearTimeout(late);
      if (child.signalCode === 'SIGTERM' || child.exitCode === 0) return;
      throw new Error(`a server ended with ${child.signalCode ?? child.exitCode}; the end of its log:\n${logTail()}`);
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function listeningAddress(child: ChildProcess, logFile: string): Promise<string | undefined> {
  const deadline = performance.now() + startDeadlineMs;
  while (performance.now() < deadline && child.exitCode === null && child.signalCode === null) {
    const origin = /http:\/\/127\.0\.0\.1:\d+/.exec(readFileSync(logFile, 'utf8'))?.[0];
    if (origin !== undefined) return origin;
    await wait(lookEveryMs);
  }
  return undefined;
}
