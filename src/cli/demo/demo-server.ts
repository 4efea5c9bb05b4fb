import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** The service of the demo, in a process of its own. @source product contract, "Process settings" */
export interface DemoServer {
  url: string;
  /** Resolves when the process has ended by itself or was stopped. */
  ended: Promise<void>;
  /** Ends it in order; a process that takes longer than 15 s is killed. */
  stop(): Promise<void>;
}

/** The service could not be started; the message is for people. @source product contract, "Process settings" */
export class DemoFailed extends Error {}

const startMs = 60_000;
const stopMs = 15_000;
const lookEveryMs = 50;

/** Loaded into the service before it starts: it ends in order when this process is gone, however that came. */
const endWithParent = `data:text/javascript,${encodeURIComponent(
  "process.once('disconnect', () => process.kill(process.pid, 'SIGTERM')); process.channel?.unref();",
)}`;

/**
 * Starts the service and waits until it is ready. It sees nothing of this process's environment, so that no setting of
 * the user's own service, its token or its model reaches the demo.
 * @param command what follows `node`
 * @param folder takes its log
 * @throws DemoFailed with the end of the log
 * @source Node.js documentation, child_process "child_process.spawn()"
 */
export async function startDemoServer(
  command: readonly string[],
  settings: Record<string, string>,
  folder: string,
  interrupted: AbortSignal,
): Promise<DemoServer> {
  const logFile = path.join(folder, 'service.log');
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, ['--import', endWithParent, ...command], {
    env: settings,
    stdio: ['ignore', log, log, 'ipc'],
    // Ctrl-C in a terminal is for this process, which then stops the service in order.
    detached: true,
  });
  closeSync(log);
  let isOver = false;
  const kill = () => void child.kill('SIGKILL');
  // However this process ends, as long as it can still do something.
  process.once('exit', kill);
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      isOver = true;
      process.off('exit', kill);
      resolve();
    };
    child.once('exit', end).once('error', end);
  });
  async function stop() {
    if (!isOver) child.kill('SIGTERM');
    const late = setTimeout(kill, stopMs);
    await ended;
    clearTimeout(late);
  }

  const deadline = performance.now() + startMs;
  while (!isOver && !interrupted.aborted && performance.now() < deadline) {
    const url = listeningAt(await readFile(logFile, 'utf8'));
    if (url !== undefined && (await isReady(url))) return { url, ended, stop };
    await pause(lookEveryMs);
  }
  await stop();
  interrupted.throwIfAborted();
  const lines = (await readFile(logFile, 'utf8')).trimEnd().split('\n').slice(-5);
  throw new DemoFailed(`The service did not start; the end of its log:\n${lines.join('\n')}`);
}

function listeningAt(log: string): string | undefined {
  const line = log.split('\n').find((text) => text.includes('"msg":"listening"') && text.endsWith('}'));
  return line === undefined ? undefined : (JSON.parse(line) as { api: string }).api;
}

const isReady = (url: string) =>
  fetch(`${url}/ready`).then(
    ({ status }) => status === 200,
    () => false,
  );
