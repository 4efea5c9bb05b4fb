import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { BenchContext } from '../bench.js';
import { makeCanvas } from '../makers/canvas-maker.js';
import { formatNumber } from '../report/numbers.js';
import type { Figure, Section } from '../report/section.js';
import type { ChildServer } from '../support/child.js';
import { createClient, expectStatus } from '../support/client.js';
import { interleave } from '../support/interleave.js';
import { type Load, type LoadSlice, loadSlice, requestsPerSlice } from '../support/load.js';
import { type ServicePair, startBareServer } from '../support/service.js';
import { median } from '../support/statistics.js';

const sizes = [
  { label: '2 KB', bytes: 2000, fileName: 'small.canvas' },
  { label: '50 KB', bytes: 50_000, fileName: 'middle.canvas' },
  { label: '500 KB', bytes: 500_000, fileName: 'large.canvas' },
];
type Size = (typeof sizes)[number];

const contestants = ['bare node:http', 'optimized', 'optimized, 304', 'baseline'] as const;
type Contestant = (typeof contestants)[number];
type Round = Record<Contestant, LoadSlice>;
type Servers = Record<Exclude<Contestant, 'optimized, 304'>, ChildServer>;

/** What each contestant returns, worked out one by one and kept under its name. */
async function forEach<Value>(make: (name: Contestant) => Promise<Value>): Promise<Record<Contestant, Value>> {
  const made = {} as Record<Contestant, Value>;
  for (const name of contestants) made[name] = await make(name);
  return made;
}

async function etagOf(url: string): Promise<string> {
  const { origin, pathname } = new URL(url);
  const client = createClient(origin, 1);
  const answer = expectStatus(await client.request('HEAD', pathname), [200], `HEAD ${pathname}`);
  client.close();
  return answer.headers.etag ?? '';
}

/** All three serve the same canvases; the bare server stays up for all sizes, so that it is as warm as the others. */
async function withBareServer({ optimized, baseline }: ServicePair): Promise<Servers> {
  for (const size of sizes) {
    const canvas = makeCanvas(size.bytes, size.bytes);
    for (const { vaultDir } of [optimized, baseline]) await writeFile(path.join(vaultDir, size.fileName), canvas);
  }
  return { 'bare node:http': await startBareServer(optimized.vaultDir), optimized, baseline };
}

async function takeRounds(
  context: BenchContext,
  size: Size,
  started: Servers,
): Promise<{ rounds: Round[]; perRound: string }> {
  const canvas = makeCanvas(size.bytes, size.bytes);
  const address = `/canvas/${size.fileName}`;
  const servers = { ...started, 'optimized, 304': started.optimized };
  const etag = await etagOf(servers.optimized.origin + address);
  const loads = await forEach(async (name): Promise<Load> => {
    const target = { url: servers[name].origin + address, pid: servers[name].pid };
    if (name !== 'optimized, 304') return { ...target, status: 200, body: canvas };
    return { ...target, status: 304, body: Buffer.alloc(0), headers: { 'if-none-match': etag } };
  });
  const sliceSeconds = context.quick ? 0.15 : 0.5;
  const requests = await forEach((name) => requestsPerSlice(loads[name], sliceSeconds, sliceSeconds * 4));
  const slices = await forEach(async (name) => () => loadSlice(loads[name], requests[name]));
  const rounds = await interleave<Contestant, LoadSlice>(context.quick ? 2 : 9, slices);
  return { rounds, perRound: contestants.map((name) => formatNumber(requests[name])).join(' / ') };
}

function figuresOf(size: Size, rounds: Round[], perRound: string): Figure[] {
  const cpu = (measure: string, dearer: Contestant, cheaper: Contestant): Figure => ({
    measure: `${size.label}: ${measure}`,
    unit: 'x',
    rounds: rounds.map((round) => round[dearer].cpuMicrosPerRequest / round[cheaper].cpuMicrosPerRequest),
    perRound: `${perRound} requests`,
  });
  const baseline = cpu('baseline / optimized', 'baseline', 'optimized');
  const bare = cpu('bare node:http / optimized', 'bare node:http', 'optimized');
  if (size.bytes === 50_000) {
    baseline.asked = { relation: 'at least', value: 15 };
    bare.asked = { relation: 'at least', value: 0.6 };
  }
  return [baseline, bare, cpu('optimized / optimized, 304', 'optimized', 'optimized, 304')];
}

function rowsOf(size: Size, rounds: Round[]): string[][] {
  return contestants.map((name) => {
    const middle = (field: keyof LoadSlice) => formatNumber(median(rounds.map((round) => round[name][field])));
    const fields = ['cpuMicrosPerRequest', 'requestsPerSecond', 'p50Ms', 'p99Ms'] as const;
    return [`${size.label}, ${name}`, ...fields.map(middle)];
  });
}

/**
 * Reading one canvas over and over, beside the baseline and beside a server that only sends a constant Buffer.
 * @source product contract, Canvases; story-17.4 AC1
 */
export async function benchCanvasReads(context: BenchContext, services: ServicePair): Promise<Section> {
  const servers = await withBareServer(services);
  const figures: Figure[] = [];
  const rows: string[][] = [];
  for (const size of sizes) {
    context.note(`canvas reads, ${size.label}`);
    const { rounds, perRound } = await takeRounds(context, size, servers);
    figures.push(...figuresOf(size, rounds, perRound));
    rows.push(...rowsOf(size, rounds));
  }
  await servers['bare node:http'].stop();
  return {
    title: 'Canvases: reading',
    how:
      '16 connections ask for one canvas; short slices take turns between four contestants, each server a process of ' +
      'its own. The ratios are of CPU time for one request, over all threads of the server: baseline / optimized 15x ' +
      'means that the baseline needs 15 times as much, bare node:http / optimized 0.6x that a server which only sends ' +
      'one constant Buffer needs 0.6 of it. Every answer is compared with the file byte for byte. A round has so many ' +
      `requests of ${contestants.join(' / ')}.`,
    figures,
    tables: [{ heading: ['medians of the rounds', 'CPU us/request', 'requests/s', 'p50 ms', 'p99 ms'], rows }],
  };
}
