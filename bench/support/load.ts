import { type Exchange, openConnection } from './connection.js';
import { cpuNanoseconds } from './process-usage.js';
import { quantile } from './statistics.js';

/**
 * What is asked over and over, and the process whose CPU time is charged.
 * @source house rules, "Habits to have"
 */
export interface Load extends Exchange {
  pid: number;
}

/**
 * One slice of load. CPU time is the server's, over all its threads.
 * @source house rules, "Names" (units in names)
 */
export interface LoadSlice {
  cpuMicrosPerRequest: number;
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
}

const connectionCount = 16;

/**
 * Sends exactly `requests` requests over 16 connections and waits for every answer, so that no half-done work is
 * charged to the wrong slice; neither is the opening of the connections. The client never sleeps meanwhile: waking it
 * would be charged to the server that it waits for.
 * @throws Error on the first answer that is not the expected one, byte for byte
 * @source product contract, promise 7
 */
export async function loadSlice(load: Load, requests: number): Promise<LoadSlice> {
  const connections = await Promise.all(Array.from({ length: connectionCount }, () => openConnection(load)));
  const latencies: number[] = [];
  let left = requests;
  let isRunning = true;
  const stayAwake = () => {
    if (isRunning) setImmediate(stayAwake);
  };
  stayAwake();
  const cpuBefore = cpuNanoseconds(load.pid);
  const startedAt = performance.now();
  await Promise.all(
    connections.map(async (connection) => {
      while (left > 0) {
        left -= 1;
        latencies.push(await connection.exchange());
      }
    }),
  );
  isRunning = false;
  const seconds = (performance.now() - startedAt) / 1000;
  const cpuMicros = (cpuNanoseconds(load.pid) - cpuBefore) / 1000;
  for (const connection of connections) connection.close();
  return {
    cpuMicrosPerRequest: cpuMicros / requests,
    requestsPerSecond: requests / seconds,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}

/**
 * Warms the server up and finds how many requests fill a slice of the given length.
 * @param warmUpSeconds at least so long is the server kept at work before
 * @source house rules, "Habits to have"
 */
export async function requestsPerSlice(load: Load, sliceSeconds: number, warmUpSeconds: number): Promise<number> {
  const startedAt = performance.now();
  let requests = connectionCount * 2;
  do {
    const { requestsPerSecond } = await loadSlice(load, requests);
    requests = Math.max(connectionCount * 2, Math.round(requestsPerSecond * sliceSeconds));
  } while (performance.now() - startedAt < warmUpSeconds * 1000);
  return requests;
}
