/**
 * Another program and a client write to the same canvas within 150 ms of each other, and a third reads. Afterwards one
 * of the two edits is the canvas, and the other is in its history or was refused; no reader saw anything else than whole
 * versions.
 */
import path from 'node:path';
import { canvasText } from '../support/canvas-text.js';
import { fileBytes } from '../support/checks.js';
import { canvasUrl } from '../support/http-client.js';
import { type EditingWay, editingWays, editOutside } from '../support/outside-editor.js';
import { pause, Random, Tally } from '../support/scale.js';
import type { Ground, RunningService } from '../support/service.js';
import type { Fault } from '../support/write-book.js';

export interface OutsideOptions {
  interleavings: number;
  seed: number;
  /** Default: all of them. */
  ways?: readonly EditingWay[];
  /** Without: only the other program writes. */
  clientWrites?: boolean;
}

export interface OutsideReport {
  interleavings: number;
  ends: Record<string, number>;
  reads: Record<string, number>;
  /** What went without trace, by the way in which the other program wrote. */
  gone: Record<string, number>;
  faults: Fault[];
}

const atOnce = 12;
const maxOffsetMs = 150;
/** Until what another program wrote has to be noticed, with a margin for a busy machine. */
const noticeLimitMs = 4000;

interface Case {
  name: string;
  way: EditingWay;
  /** What was there before, what the client sends, what the other program writes. */
  base: string;
  ours: string;
  theirs: string;
  ifMatch: string | undefined;
  clientAtMs: number;
  editorAtMs: number;
  answer: number | undefined;
}

function makeCase(index: number, etag: string | undefined, random: Random, options: OutsideOptions): Case {
  const name = caseName(index);
  const text = (number: number, bytes: number) => canvasText(name, bytes, { put: number, edit: number });
  return {
    name,
    way: random.pick(options.ways ?? editingWays),
    base: text(1, baseBytes),
    ours: text(2, random.pick([2000, 30_000])),
    theirs: text(3, baseBytes),
    ifMatch: random.fraction() < 0.4 ? etag : undefined,
    clientAtMs: random.between(0, maxOffsetMs),
    editorAtMs: random.between(0, maxOffsetMs),
    answer: undefined,
  };
}

const baseBytes = 9000;
const caseName = (index: number) => `outside-${index}.canvas`;

async function readOn(service: RunningService, one: Case, isOver: () => boolean, reads: Tally, faults: Fault[]) {
  while (!isOver()) {
    const { status, body, headers } = await service.client.get(canvasUrl(one.name));
    reads.add(String(status));
    const isKnown = [one.base, one.ours, one.theirs].includes(body.toString());
    if (status === 200 && !isKnown)
      faults.push({ kind: 'torn', detail: `${one.name} (${one.way}): served half an edit` });
    const mayBe = status === 200 || status === 404 || (status === 503 && headers['retry-after'] !== undefined);
    if (!mayBe)
      faults.push({ kind: 'bad_answer', detail: `${one.name} (${one.way}): GET ${status} ${body.toString()}` });
    await pause(10);
  }
}

/** A busy machine lets an editor rest between two pieces for longer than any server could wait. */
const promisedRestMs = 40;

async function interleave(ground: Ground, service: RunningService, one: Case, reads: Tally, faults: Fault[]) {
  let isOver = false;
  const found: Fault[] = [];
  const reading = readOn(service, one, () => isOver, reads, found);
  const editing = pause(one.editorAtMs).then(() =>
    editOutside(path.join(ground.vaultDir, one.name), one.theirs, one.way),
  );
  const writing = pause(one.clientAtMs).then(() =>
    service.client.put(one.name, one.ours, one.ifMatch === undefined ? {} : { 'if-match': one.ifMatch }),
  );
  const [editor, client] = await Promise.allSettled([editing, writing]);
  if (client.status === 'fulfilled') one.answer = client.value.status;
  // The file may be gone for a moment while the two of them replace it: then there was no edit to be kept.
  if (editor.status === 'rejected') faults.push({ kind: 'bad_answer', detail: `the editor failed: ${editor.reason}` });
  isOver = true;
  await reading;
  const rested = editor.status === 'fulfilled' && editor.value > promisedRestMs;
  const excused = found.filter(({ kind }) => rested && kind === 'torn');
  for (const _ of excused) reads.add('half an edit of an editor that rested for too long');
  faults.push(...found.filter((fault) => !excused.includes(fault)));
}

/** The current bytes and those of every kept version. */
async function everythingOf(service: RunningService, name: string): Promise<{ current: string; kept: Set<string> }> {
  const current = (await service.client.get(canvasUrl(name))).body.toString();
  const kept = new Set<string>();
  const list = await service.client.get(`${canvasUrl(name)}/versions`);
  const { data } =
    list.status === 200 ? (JSON.parse(list.body.toString()) as { data: { id: string }[] }) : { data: [] };
  for (const { id } of data) {
    const version = await service.client.get(`${canvasUrl(name)}/versions/${encodeURIComponent(id)}`);
    if (version.status === 200) kept.add(version.body.toString());
  }
  return { current, kept };
}

async function judge(ground: Ground, service: RunningService, one: Case, ends: Tally, gone: Tally): Promise<Fault[]> {
  const deadline = performance.now() + noticeLimitMs;
  const isAccepted = one.answer === 200 || one.answer === 201;
  for (;;) {
    const { current, kept } = await everythingOf(service, one.name);
    const file = (await fileBytes(ground.vaultDir, one.name))?.toString();
    const at = `${one.name} (${one.way}, client ${one.clientAtMs} ms, editor ${one.editorAtMs} ms, ${one.answer ?? 'no PUT'})`;
    const missing = [
      ...(isAccepted ? [['the acknowledged write', one.ours]] : []),
      ["the other program's edit", one.theirs],
      ['the version before', one.base],
    ].filter(([, text]) => text !== current && !kept.has(text!));
    const faults: Fault[] = missing.map(([what]) => ({ kind: 'edit_gone', detail: `${at}: ${what}` }));
    if (current !== file) faults.push({ kind: 'stale', detail: `${at}: served is not what the file holds` });
    if (current === one.base) faults.push({ kind: 'lost', detail: `${at}: back to what was before both` });
    if (faults.length === 0 || performance.now() > deadline) {
      const end = current === one.ours ? 'client' : current === one.theirs ? 'editor' : 'neither';
      for (const [what] of missing) gone.add(`${what} (${one.way})`);
      ends.add(`${one.answer ?? 'no PUT'}, current: ${end}`);
      return faults;
    }
    await pause(100);
  }
}

export async function interleaveOutside(ground: Ground, options: OutsideOptions): Promise<OutsideReport> {
  const random = new Random(options.seed);
  const ends = new Tally();
  const reads = new Tally();
  const gone = new Tally();
  const faults: Fault[] = [];
  const service = await ground.start();
  for (let first = 0; first < options.interleavings; first += atOnce) {
    const indexes = Array.from({ length: Math.min(atOnce, options.interleavings - first) }, (_, i) => first + i);
    const etags = await Promise.all(
      indexes.map(async (index) => {
        const base = canvasText(caseName(index), baseBytes, { put: 1, edit: 1 });
        const { headers } = await service.client.put(caseName(index), base);
        return headers.etag;
      }),
    );
    await service.client.request('POST', '/admin/flush');
    const cases = indexes.map((index, position) => makeCase(index, etags[position], random, options));
    if (options.clientWrites === false) {
      for (const one of cases) {
        await service.client.get(canvasUrl(one.name));
        await editOutside(path.join(ground.vaultDir, one.name), one.theirs, one.way);
      }
    } else {
      await Promise.all(cases.map((one) => interleave(ground, service, one, reads, faults)));
    }
    await service.client.request('POST', '/admin/flush');
    faults.push(...(await Promise.all(cases.map((one) => judge(ground, service, one, ends, gone)))).flat());
  }
  return { interleavings: options.interleavings, ends: ends.counts, reads: reads.counts, gone: gone.counts, faults };
}
