import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Runner, RunResult, Scenario } from './scenario.js';

const runnerProcess = fileURLToPath(new URL('runner-process.ts', import.meta.url));
const hogSource = 'for (;;);';
const died: RunResult = { died: true, perSecond: 0, failed: 0, p95Ms: Number.NaN, peakMiB: Number.NaN, decisions: '' };

/** An endpoint that answers after 250 ms, and refuses at once what is more than it takes. */
async function startEndpoint(takes: number): Promise<Server> {
  let running = 0;
  const server = createServer((request, response) => {
    request.resume();
    if (running >= takes) {
      response.writeHead(429, { 'content-type': 'application/json' }).end('{"error":{"message":"busy"}}');
      return;
    }
    running++;
    setTimeout(() => {
      running--;
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    }, 250);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function startHogs(count: number): ChildProcess[] {
  return Array.from({ length: count }, () => spawn(process.execPath, ['-e', hogSource], { stdio: 'ignore' }));
}

/**
 * Runs one scenario with one runner, in a process of its own.
 * @throws Error when the process ends in another way than for lack of memory
 * @source story-17.4 task 3
 */
export async function runScenario(scenario: Scenario, runner: Runner, seconds: number): Promise<RunResult> {
  const endpoint = scenario.endpointTakes === undefined ? undefined : await startEndpoint(scenario.endpointTakes);
  const address = endpoint ? [`http://127.0.0.1:${(endpoint.address() as AddressInfo).port}`] : [];
  const hogs = startHogs(scenario.hogs);
  const end = () => {
    for (const hog of hogs) hog.kill('SIGKILL');
  };
  process.once('exit', end);
  try {
    const child = spawn(
      process.execPath,
      [
        `--max-old-space-size=${scenario.heapMiB}`,
        '--import',
        'tsx',
        runnerProcess,
        scenario.name,
        runner,
        String(seconds),
        ...address,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let output = '';
    let complaint = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      complaint = (complaint + chunk).slice(-4000);
    });
    const [code] = await once(child, 'close');
    if (code === 0) return JSON.parse(output.trim().split('\n').at(-1) ?? '') as RunResult;
    if (complaint.includes('heap out of memory')) return died;
    throw new Error(`a run of ${scenario.name} with ${runner} ended with ${code}:\n${complaint}`);
  } finally {
    end();
    process.off('exit', end);
    endpoint?.closeAllConnections();
    endpoint?.close();
  }
}
