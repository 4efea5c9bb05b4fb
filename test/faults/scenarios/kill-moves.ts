/**
 * Kills the process right before each system call of a move. Afterwards the canvas has one name, the new one if that was
 * promised, and its history is there and nowhere else.
 */
import { randomUUID } from 'node:crypto';
import { canvasText } from '../support/canvas-text.js';
import { fileBytes } from '../support/checks.js';
import { canvasUrl } from '../support/http-client.js';
import { Tally } from '../support/scale.js';
import type { Ground, RunningService } from '../support/service.js';
import { type SystemCall, traceService } from '../support/strace.js';
import type { Fault } from '../support/write-book.js';
import { answers, lastCall } from './kill-points.js';

export interface MoveKillOptions {
  calls: readonly SystemCall[];
  maxPerCall: number;
}

export interface MoveKillReport {
  kills: number;
  distinctPoints: number;
  points: Record<string, number>;
  ends: Record<string, number>;
  faults: Fault[];
}

interface Move {
  from: string;
  to: string;
  first: string;
  second: string;
  isAnswered: boolean;
}

async function prepare(service: RunningService): Promise<Move> {
  const from = `${randomUUID()}.canvas`;
  const [first, second] = [1, 2].map((number) => canvasText(from, 3000, { put: number, edit: number }));
  for (const text of [first!, second!]) {
    const { status } = await service.client.put(from, text);
    if (status !== 201 && status !== 200) throw new Error(`could not prepare: ${status}`);
    await service.client.request('POST', '/admin/flush');
  }
  return { from, to: `moved/${from}`, first: first!, second: second!, isAnswered: false };
}

async function move(service: RunningService, one: Move): Promise<void> {
  const body = JSON.stringify({ to: one.to });
  const headers = { 'content-type': 'application/json' };
  try {
    const { status } = await service.client.request('POST', `${canvasUrl(one.from)}/move`, { body, headers });
    one.isAnswered = status === 201;
    await service.client.request('POST', '/admin/flush');
  } catch {
    // It was killed.
  }
}

async function versionsOf(service: RunningService, name: string): Promise<string[] | undefined> {
  const list = await service.client.get(`${canvasUrl(name)}/versions`);
  if (list.status !== 200) return undefined;
  const { data } = JSON.parse(list.body.toString()) as { data: { id: string }[] };
  const texts = data.map(async ({ id }) => (await service.client.get(`${canvasUrl(name)}/versions/${id}`)).body);
  return (await Promise.all(texts)).map(String);
}

async function judge(ground: Ground, service: RunningService, one: Move, ends: Tally): Promise<Fault[]> {
  const faults: Fault[] = [];
  const fault = (kind: Fault['kind'], detail: string) => faults.push({ kind, detail: `${one.from}: ${detail}` });
  await service.client.request('POST', '/admin/flush');
  const found: string[] = [];
  for (const name of [one.from, one.to]) {
    const { status, body } = await service.client.get(canvasUrl(name));
    const file = await fileBytes(ground.vaultDir, name);
    if ((file === undefined) !== (status === 404)) fault('file_differs', `${name}: ${status}, file ${file?.length}`);
    if (status === 404) continue;
    found.push(name);
    if (body.toString() !== one.second) fault('torn', `${name}: ${status}, not what was moved`);
  }
  const [name] = found;
  if (name === undefined || found.length > 1) fault('lost', `at ${found.length} names`);
  else if (one.isAnswered && name !== one.to) fault('lost', 'answered, and not moved');
  else {
    const other = name === one.to ? one.from : one.to;
    if ((await versionsOf(service, other)) !== undefined) fault('foreign', `${other} has versions`);
    const versions = await versionsOf(service, name);
    // What was being kept when the process died may be the very canvas: one version too many, not one too few.
    const isKnown = versions?.every((text) => text === one.first || text === one.second);
    if (!isKnown || !versions?.includes(one.first)) fault('edit_gone', `${versions?.length} versions`);
  }
  ends.add(`${one.isAnswered ? 'answered' : 'not answered'}, ${name === one.to ? 'moved' : 'not moved'}`);
  return faults;
}

export async function killMoves(ground: Ground, { calls, maxPerCall }: MoveKillOptions): Promise<MoveKillReport> {
  const [ends, points] = [new Tally(), new Tally()];
  const faults: Fault[] = [];
  const distinct = new Set<string>();
  let kills = 0;
  let service = await ground.start();
  for (const call of calls) {
    for (let when = 1; when <= maxPerCall; when += 1) {
      const one = await prepare(service);
      const inject = { effect: 'signal=SIGKILL', when: String(when) } as const;
      const trace = await traceService(ground, service, { calls: [call], inject });
      await move(service, one);
      await trace.detach();
      if (await answers(service)) break;
      kills += 1;
      await service.kill();
      points.add(lastCall(trace));
      distinct.add(`move ${call} ${when}`);
      service = await ground.start();
      faults.push(...(await judge(ground, service, one, ends)));
    }
  }
  return { kills, distinctPoints: distinct.size, points: points.counts, ends: ends.counts, faults };
}
