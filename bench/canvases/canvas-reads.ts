import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import type { BenchContext } from '../bench.js';
import { makeCanvas } from '../makers/canvas-maker.js';
import { formatNumber } from '../report/numbers.js';
import type { Bound, Figure, Section } from '../report/section.js';
import { createClient, expectStatus } from '../support/client.js';
import { interleave } from '../support/interleave.js';
import { type Load, type LoadSlice, loadSlice, requestsPerSlice } from '../support/load.js';
import type { ServicePair } from '../support/service.js';
import { median } from '../support/statistics.js';
import { type ReadPeers, startReadPeers } from './reads/read-peers.js';

const contestants = [
  'bare node:http',
  'bare + lstat + log line',
  'optimized',
  'optimized, br',
  'optimized, 304',
  '@fastify/static',
  'baseline',
] as const;
type Contestant = (typeof contestants)[number];
type Round = Record<Contestant, LoadSlice>;
type Loads = Record<Contestant, Load>;

interface Size {
  label: string;
  bytes: number;
  fileName: string;
  asked: { bare: number; baseline?: number; files?: number; notModified?: number };
}

const sizes: Size[] = [
  { label: '2 KB', bytes: 2000, fileName: 'small.canvas', asked: { bare: 0.6 } },
  { label: '50 KB', bytes: 50_000, fileName: 'middle.canvas', asked: { bare: 0.85, baseline: 20, files: 10 } },
  { label: '500 KB', bytes: 500_000, fileName: 'large.canvas', asked: { bare: 0.95, baseline: 45, notModified: 6 } },
];
const mostP99 = 1.5;
const codedDeadlineMs = 30_000;

async function etagOf(origin: string, address: string): Promise<string> {
  const client = createClient(origin, 1);
  const answer = expectStatus(await client.request('HEAD', address), [200], `HEAD ${address}`);
  client.close();
  return answer.headers.etag ?? '';
}

/** The compressed form of a canvas, which the service has ready some time after the second read that could use it. */
async function codedBytes(origin: string, address: string, canvas: Buffer): Promise<Buffer> {
  const client = createClient(origin, 1);
  const deadline = performance.now() + codedDeadlineMs;
  try {
    for (;;) {
      const { headers, body } = await client.request('GET', address, { headers: { 'accept-encoding': 'br' } });
      if (headers['content-encoding'] === 'br') {
        if (!brotliDecompressSync(body).equals(canvas)) throw new Error(`GET ${address}: br is not the file`);
        return body;
      }
      if (performance.now() > deadline) throw new Error(`GET ${address}: no compressed form was made`);
    }
  } finally {
    client.close();
  }
}

async function loadsOf(size: Size, { optimized, baseline }: ServicePair, peers: ReadPeers): Promise<Loads> {
  const canvas = makeCanvas(size.bytes, size.bytes);
  const address = `/canvas/${size.fileName}`;
  const plain = { status: 200, body: canvas };
  const to = ({ origin, pid }: { origin: string; pid: number }) => ({ url: origin + address, pid });
  const body = await codedBytes(optimized.origin, address, canvas);
  const etag = await etagOf(optimized.origin, address);
  return {
    'bare node:http': { ...to(peers.bare), ...plain },
    'bare + lstat + log line': { ...to(peers.checked), ...plain },
    optimized: { ...to(optimized), ...plain },
    'optimized, br': { ...to(optimized), status: 200, body, headers: { 'accept-encoding': 'br' } },
    'optimized, 304': { ...to(optimized), status: 304, body: Buffer.alloc(0), headers: { 'if-none-match': etag } },
    '@fastify/static': { ...to(peers.files), ...plain },
    baseline: { ...to(baseline), ...plain },
  };
}

async function takeRounds(context: BenchContext, loads: Loads): Promise<{ rounds: Round[]; perRound: string }> {
  const sliceSeconds = context.quick ? 0.15 : 0.5;
  const slices = {} as Record<Contestant, () => Promise<LoadSlice>>;
  const requests: number[] = [];
  for (const name of contestants) {
    const count = await requestsPerSlice(loads[name], sliceSeconds, sliceSeconds * 4);
    requests.push(count);
    slices[name] = () => loadSlice(loads[name], count);
  }
  const rounds = await interleave<Contestant, LoadSlice>(context.quick ? 2 : 9, slices);
  return { rounds, perRound: `${requests.map(formatNumber).join(' / ')} requests` };
}

const atLeast = (value: number | undefined): Bound | undefined =>
  value === undefined ? undefined : { relation: 'at least', value };

function figuresOf({ label, asked }: Size, rounds: Round[], perRound: string): Figure[] {
  const figure = (
    measure: string,
    bound: Bound | undefined,
    ratio: (round: Round) => number,
    holds?: Figure['holds'],
  ): Figure => ({
    measure: `${label}: ${measure}`,
    unit: 'x',
    rounds: rounds.map(ratio),
    perRound,
    ...(bound ? { asked: bound } : {}),
    ...(holds ? { holds } : {}),
  });
  const cpu = (dearer: Contestant, cheaper: Contestant, bound?: number) =>
    figure(
      `${dearer} / ${cheaper}`,
      atLeast(bound),
      (round) => round[dearer].cpuMicrosPerRequest / round[cheaper].cpuMicrosPerRequest,
      // Plain reads that became cheaper are no loss of those that were cheap already.
      dearer === 'optimized' ? undefined : 'high',
    );
  return [
    cpu('bare node:http', 'optimized', asked.bare),
    cpu('bare + lstat + log line', 'optimized'),
    cpu('@fastify/static', 'optimized', asked.files),
    cpu('baseline', 'optimized', asked.baseline),
    cpu('optimized', 'optimized, 304', asked.notModified),
    cpu('optimized', 'optimized, br'),
    figure(
      'p99, optimized / bare node:http',
      { relation: 'at most', value: mostP99 },
      (round) => round.optimized.p99Ms / round['bare node:http'].p99Ms,
      'low',
    ),
  ];
}

function rowsOf({ label }: Size, rounds: Round[], loads: Loads): string[][] {
  return contestants.map((name) => {
    const middle = (field: keyof LoadSlice) => formatNumber(median(rounds.map((round) => round[name][field])));
    const fields = ['cpuMicrosPerRequest', 'requestsPerSecond', 'p50Ms', 'p99Ms'] as const;
    return [`${label}, ${name}`, formatNumber(loads[name].body.length / 1000), ...fields.map(middle)];
  });
}

/**
 * Reading one canvas over and over, beside the baseline, beside Fastify's plugin for files, and beside a server that only
 * sends a constant Buffer.
 * @source product contract, Canvases; story-17.4 AC1
 */
export async function benchCanvasReads(context: BenchContext, services: ServicePair): Promise<Section> {
  for (const { bytes, fileName } of sizes) {
    const canvas = makeCanvas(bytes, bytes);
    for (const { vaultDir } of [services.optimized, services.baseline]) {
      await writeFile(path.join(vaultDir, fileName), canvas);
    }
  }
  const peers = await startReadPeers(services.optimized.vaultDir);
  const figures: Figure[] = [];
  const rows: string[][] = [];
  for (const size of sizes) {
    context.note(`canvas reads, ${size.label}`);
    const loads = await loadsOf(size, services, peers);
    const { rounds, perRound } = await takeRounds(context, loads);
    figures.push(...figuresOf(size, rounds, perRound));
    rows.push(...rowsOf(size, rounds, loads));
  }
  for (const peer of Object.values(peers)) await peer.stop();
  return {
    title: 'Canvases: reading',
    how:
      '16 connections ask for one canvas; short slices take turns between the contestants, each server a process of its ' +
      'own. The ratios are of CPU time for one request, over all threads of the server: baseline / optimized 20x means ' +
      'that the baseline needs 20 times as much, bare node:http / optimized 0.6x that a server which only sends one ' +
      'constant Buffer needs 0.6 of it. `bare + lstat + log line` is that server when it also looks at the state of the ' +
      'file and writes a log line for each request, which is the least that fresh answers and a log cost. ' +
      '`@fastify/static` serves the same folder with the same logger, one line a request. `br` is the compressed form ' +
      'that the service keeps of what is read again; `304` the answer to `If-None-Match`. Every answer is compared with ' +
      `the expected bytes. A round has so many requests of ${contestants.join(' / ')}.`,
    figures,
    tables: [
      { heading: ['medians of the rounds', 'KB sent', 'CPU us/request', 'requests/s', 'p50 ms', 'p99 ms'], rows },
    ],
  };
}
