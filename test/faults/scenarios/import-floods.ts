/** Sends imports that are large and hold nothing, and looks at what the service says of them and at its memory. */
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { finished } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import { pause, spread } from '../support/scale.js';
import type { RunningService } from '../support/service.js';

const mebibyte = 1024 * 1024;
const settleMs = 500;
const askEveryMs = 50;

export interface Flood {
  bytes: number;
  pieces(): Iterable<Buffer>;
}

export interface FloodResult {
  task_id: string;
  status: string;
  success: boolean;
  imported_count: number;
  failed_count: number;
  errors: string[];
  warnings: string[];
}

export interface FloodReport {
  result: FloodResult;
  sentMegabytes: number;
  seconds: number;
  /** The most memory taken above the idle service; undefined outside Linux. */
  extraMebibytes: number | undefined;
  /** How long `GET /health` took meanwhile. */
  healthMs: { p50: number; p95: number; max: number };
}

const line = (record: object) => Buffer.from(`${JSON.stringify(record)}\n`);
const goodRecord = (id: string) => line({ trajectory_id: id, data_id: 'q', task: { question: 'q' }, reward: 1 });

function flood(parts: readonly { piece: Buffer; times: number }[]): Flood {
  return {
    bytes: parts.reduce((sum, { piece, times }) => sum + piece.length * times, 0),
    *pieces() {
      for (const { piece, times } of parts) for (let i = 0; i < times; i++) yield piece;
    },
  };
}

/** Lines of `{}`, and a record after them. @param lines a multiple of 10,000 */
export const emptyObjects = (lines: number): Flood =>
  flood([
    { piece: Buffer.from('{}\n'.repeat(10_000)), times: lines / 10_000 },
    { piece: goodRecord('after-nothing'), times: 1 },
  ]);

/** One line that begins a record and does not end it for so long, and a record after it. */
export const longLine = (mebibytes: number): Flood =>
  flood([
    { piece: Buffer.from('{"trajectory_id":"'), times: 1 },
    { piece: Buffer.alloc(mebibyte, 'x'), times: mebibytes },
    { piece: Buffer.from('"}\n'), times: 1 },
    { piece: goodRecord('after-a-long-line'), times: 1 },
  ]);

/** A record, and blank text that was a thousand times as long before it was packed. */
export const gzipBomb = (gibibytes: number): Flood =>
  flood([
    { piece: gzipSync(goodRecord('before-the-bomb')), times: 1 },
    { piece: gzipSync(Buffer.alloc(64 * mebibyte, ' '), { level: 9 }), times: gibibytes * 16 },
  ]);

async function send(origin: string, { pieces }: Flood): Promise<FloodResult> {
  const request = http.request(`${origin}/api/import?wait=true`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
  });
  const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
    request.on('response', resolve);
    request.on('error', reject);
  });
  for (const piece of pieces()) {
    if (!request.write(piece)) await new Promise((resolve) => request.once('drain', resolve));
  }
  request.end();
  const response = await answered;
  const parts: Buffer[] = [];
  response.on('data', (part: Buffer) => parts.push(part));
  await finished(response);
  const body = Buffer.concat(parts).toString();
  if (response.statusCode !== 200) throw new Error(`expected 200, got ${response.statusCode}: ${body.slice(0, 300)}`);
  return JSON.parse(body) as FloodResult;
}

/** By proc(5), in bytes; undefined outside Linux. */
function memory(pid: number, field: 'VmRSS' | 'VmHWM'): number | undefined {
  try {
    const found = new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(found?.[1]) * 1024;
  } catch {
    return undefined;
  }
}

export async function importFlood(service: RunningService, given: Flood): Promise<FloodReport> {
  await pause(settleMs);
  const idle = memory(service.pid, 'VmRSS');
  if (idle !== undefined) writeFileSync(`/proc/${service.pid}/clear_refs`, '5');
  let isOver = false;
  const waits: number[] = [];
  const asking = (async () => {
    while (!isOver) {
      const askedAt = performance.now();
      await service.client.get('/health');
      waits.push(performance.now() - askedAt);
      await pause(askEveryMs);
    }
  })();
  const startedAt = performance.now();
  const result = await send(service.client.origin, given);
  const seconds = (performance.now() - startedAt) / 1000;
  isOver = true;
  await asking;
  const peak = memory(service.pid, 'VmHWM');
  return {
    result,
    sentMegabytes: Math.round(given.bytes / 1e6),
    seconds: Math.round(seconds * 10) / 10,
    extraMebibytes: idle === undefined || peak === undefined ? undefined : Math.round((peak - idle) / mebibyte),
    healthMs: spread(waits),
  };
}
