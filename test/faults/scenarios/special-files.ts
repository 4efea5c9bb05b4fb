/** Swaps links, pipes, devices and folders into the place of canvases while clients read and write them. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { canvasText } from '../support/canvas-text.js';
import { canvasUrl, NoAnswer } from '../support/http-client.js';
import { pause, Random, Tally } from '../support/scale.js';
import { type Ground, isRoot } from '../support/service.js';
import { traceService, whyNoStrace } from '../support/strace.js';
import type { Fault } from '../support/write-book.js';

export interface SpecialFilesReport {
  swaps: Record<string, number>;
  requests: number;
  answers: Record<string, number>;
  slowestMs: number;
  opensWatched: number;
  faults: Fault[];
}

const secret = 'this-lies-outside-the-vault';
const answerLimitMs = 5000;
const make = (...args: string[]) => execFileSync(args[0]!, args.slice(1), { stdio: 'ignore' });

export async function swapSpecialFiles(ground: Ground, durationMs: number, seed: number): Promise<SpecialFilesReport> {
  const random = new Random(seed);
  const outside = path.join(ground.folder, 'outside');
  const secretFile = path.join(outside, 'secret.canvas');
  const secretText = canvasText(secret, 500, { put: 7, edit: 7 });
  mkdirSync(path.join(outside, 'folder'), { recursive: true });
  writeFileSync(secretFile, secretText);
  writeFileSync(path.join(outside, 'one.canvas'), secretText);
  const service = await ground.start();
  const names = ['a.canvas', 'b.canvas', 'c.canvas', 'inner/one.canvas'];
  const body = (name: string) => canvasText(name, 3000, { put: 1, edit: 1 });
  for (const name of names) await service.client.put(name, body(name));
  await service.client.request('POST', '/admin/flush');
  const trace = whyNoStrace() === undefined ? await traceService(ground, service, { calls: ['open'] }) : undefined;

  const answers = new Tally();
  const swaps = new Tally();
  const faults: Fault[] = [];
  let requests = 0;
  let slowestMs = 0;
  let isOver = false;

  const client = async () => {
    while (!isOver) {
      const name = random.pick(names);
      const method = random.pick(['GET', 'GET', 'PUT', 'DELETE']);
      const startedAt = performance.now();
      requests += 1;
      try {
        const request = { headers: { 'content-type': 'application/json' }, timeoutMs: answerLimitMs };
        const answer = await service.client.request(
          method,
          canvasUrl(name),
          method === 'PUT' ? { ...request, body: body(name) } : { timeoutMs: answerLimitMs },
        );
        answers.add(`${method} ${answer.status}`);
        if (answer.body.includes(secret)) faults.push({ kind: 'opened_outside', detail: `${method} ${name} shows it` });
        if (answer.status >= 500 && answer.status !== 503) {
          faults.push({ kind: 'bad_answer', detail: `${method} ${name}: ${answer.status} ${answer.body.toString()}` });
        }
      } catch (error) {
        faults.push({ kind: error instanceof NoAnswer ? 'hang' : 'died', detail: `${method} ${name}: ${error}` });
        if (!service.isAlive()) return;
      }
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
    }
  };

  const tricks: Record<string, (target: string) => void> = {
    'link to a file outside': (target) => symlinkSync(secretFile, target),
    'link to nothing': (target) => symlinkSync(path.join(outside, 'nothing.canvas'), target),
    'link to itself': (target) => symlinkSync(target, target),
    pipe: (target) => make('mkfifo', target),
    folder: (target) => mkdirSync(target),
    ...(isRoot ? { device: (target: string) => make('mknod', target, 'c', '1', '5') } : {}),
  };
  const clients = Array.from({ length: 6 }, client);
  const endsAt = performance.now() + durationMs;
  while (performance.now() < endsAt) {
    const isFolderTrick = random.fraction() < 0.3;
    const name = isFolderTrick ? 'inner' : random.pick(names.slice(0, 3));
    const trick = isFolderTrick ? 'link to a folder outside' : random.pick(Object.keys(tricks));
    const target = path.join(ground.vaultDir, name);
    const aside = path.join(ground.folder, 'aside');
    rmSync(aside, { recursive: true, force: true });
    if (existsSync(target)) renameSync(target, aside);
    try {
      if (isFolderTrick) symlinkSync(outside, target);
      else tricks[trick]!(target);
      swaps.add(trick);
    } catch {
      // A client was quicker and made the canvas again.
    }
    await pause(random.between(0, 8));
    rmSync(target, { recursive: true, force: true });
    if (existsSync(aside)) renameSync(aside, target);
    await pause(random.between(0, 4));
  }
  isOver = true;
  await Promise.all(clients);
  await trace?.detach();

  const opens = trace?.lines().filter((line) => line.includes('openat')) ?? [];
  const bad = opens.filter((line) => line.slice(line.lastIndexOf(' = ')).includes(outside));
  for (const line of bad) faults.push({ kind: 'opened_outside', detail: line.replaceAll(ground.folder, '') });
  const left = readdirSync(outside, { recursive: true }).map(String).sort().join();
  if (left !== 'folder,one.canvas,secret.canvas')
    faults.push({ kind: 'opened_outside', detail: `there is now ${left}` });
  if (readFileSync(secretFile, 'utf8') !== secretText) faults.push({ kind: 'opened_outside', detail: 'overwritten' });
  for (const name of names) {
    const { status } = await service.client.put(name, body(name));
    if (status !== 200 && status !== 201)
      faults.push({ kind: 'bad_answer', detail: `PUT ${name} at the end: ${status}` });
  }
  return { swaps: swaps.counts, requests, answers: answers.counts, slowestMs, opensWatched: opens.length, faults };
}
