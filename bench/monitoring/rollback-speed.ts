import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Bench, BenchContext } from '../bench.js';
import { makeCanvas } from '../makers/canvas-maker.js';
import { createRandom, type Random } from '../makers/random.js';
import { makeTrajectories } from '../makers/trajectory-maker.js';
import { formatNumber } from '../report/numbers.js';
import type { Figure, Section } from '../report/section.js';
import { type Client, createClient, expectStatus } from '../support/client.js';
import { type Service, startService } from '../support/service.js';
import { median } from '../support/statistics.js';
import { importFile } from '../trajectories/import-speed.js';

/** What goes wrong in the database or in memory, the flag that is to be turned off, and what is told of it. */
const faults = {
  lying_filter: { flag: 'native_query', told: 'filters that leave rows out' },
  broken_rows: { flag: 'native_query', told: 'rows that cannot be read by row id' },
  lying_index: { flag: 'scalar_indexes', told: 'indexes that leave rows out' },
  lying_canvas: { flag: 'canvas_cache', told: 'canvases that change in memory' },
} as const;
type Fault = keyof typeof faults;
const names = Object.keys(faults) as Fault[];

const defaultRows = 100_000;
const pauseMs = 20;
const longestMs = 120_000;
const pages = [
  '/api/trajectories?agent_name=planner&pageSize=20&sort_by=reward',
  '/api/trajectories?reward_min=0.4&reward_max=0.6&pageSize=20&sort_by=created_at',
  '/api/trajectories?agent_name=retriever&step_count_min=7&pageSize=20&page=3',
];

const canvasUrl = '/canvas/rollback.canvas';

interface Asked {
  client: Client;
  watcher: Client;
  ids: readonly string[];
  random: Random;
}

async function get(client: Client, url: string): Promise<string> {
  return expectStatus(await client.request('GET', url), [200], `GET ${url}`).body.toString();
}

/** A canvas each fifth time, a record as often; else pages of all filters, none of these the same twice. */
async function askSomething({ client, ids, random }: Asked): Promise<void> {
  const drawn = random.next();
  if (drawn < 0.2) {
    await get(client, canvasUrl);
    return;
  }
  const url =
    drawn < 0.4
      ? `/api/trajectories/${encodeURIComponent(random.pick(ids))}`
      : `${random.pick(pages)}&exec_time_min=${random.next()}`;
  await get(client, url);
}

type FlagStates = Record<string, { effective: boolean; reason: string }>;

const flagsOf = async (client: Client) =>
  (JSON.parse(await get(client, '/admin/flags')) as { flags: FlagStates }).flags;

const isOn = async (client: Client, flag: string) => (await flagsOf(client))[flag]?.effective === true;

async function turnAllOn(client: Client): Promise<void> {
  for (const { flag } of Object.values(faults)) {
    const body = Buffer.from('{"enabled":true}');
    const headers = { 'content-type': 'application/json' };
    expectStatus(await client.request('PUT', `/admin/flags/${flag}`, { headers, body }), [200], `PUT ${flag}`);
  }
}

/** Until the scalar indexes are there again, which are dropped while their flag is off. */
async function untilIndexed({ client, random }: Asked): Promise<void> {
  const deadline = performance.now() + longestMs;
  for (;;) {
    // Of a page that is known already no index would be told.
    const url = `${pages[1]}&exec_time_min=${random.next()}&explain=true`;
    const { explain } = JSON.parse(await get(client, url)) as {
      explain: { indexes: unknown[] };
    };
    if (explain.indexes.length > 0) return;
    if (performance.now() > deadline) {
      throw new Error(`the indexes were not built again: ${JSON.stringify(await flagsOf(client))}`);
    }
    await wait(pauseMs);
  }
}

/** Asked by a client of its own: the other may be waiting for an answer that takes seconds the original way. */
async function secondsUntilOff(watcher: Client, fault: Fault): Promise<number> {
  const startedAt = performance.now();
  while (await isOn(watcher, faults[fault].flag)) {
    if (performance.now() - startedAt > longestMs)
      throw new Error(`${fault}: ${faults[fault].flag} was not turned off: ${JSON.stringify(await flagsOf(watcher))}`);
    await wait(pauseMs);
  }
  return (performance.now() - startedAt) / 1000;
}

interface Round {
  seconds: number;
  answersAfter: number;
}

/** @throws Error when the flag stays on, another is turned off, or an answer after that is not as it was before the fault */
async function breakOnce(service: Service, faultFile: string, asked: Asked, fault: Fault): Promise<Round> {
  const { client, watcher, random } = asked;
  const set = async (word: string) => {
    await writeFile(faultFile, word);
    process.kill(service.pid, 'SIGUSR2');
    await wait(pauseMs);
  };
  const right = new Map<string, string>();
  for (const url of [...pages, canvasUrl]) right.set(url, await get(client, url));
  // The fault comes anywhere between two looks.
  for (const until = performance.now() + random.next() * 6000; performance.now() < until; await wait(pauseMs)) {
    await askSomething(asked);
  }
  await set(fault);
  let isOff = false;
  const watching = secondsUntilOff(watcher, fault).finally(() => {
    isOff = true;
  });
  const asking = async () => {
    for (; !isOff; await wait(pauseMs)) await askSomething(asked);
  };
  const [seconds] = await Promise.all([watching, asking()]);
  for (const [url, answer] of right) {
    if ((await get(client, url)) !== answer)
      throw new Error(`${fault}: GET ${url} is wrong after the flag was turned off`);
  }
  for (const [flag, { effective, reason }] of Object.entries(await flagsOf(client))) {
    const isToBlame = flag === faults[fault].flag || !reason.includes('auto_rollback');
    if (!effective && !isToBlame) throw new Error(`${fault}: ${flag} was turned off too, ${reason}`);
  }
  await set('');
  await turnAllOn(client);
  await untilIndexed(asked);
  return { seconds, answersAfter: right.size };
}

/**
 * The bound holds for every fault, so the longest is what is judged, not a median.
 * @param seconds of all faults, kind by kind
 * @source product contract, Optimisations (`auto_rollback`)
 */
export function longestFigure(seconds: readonly (readonly number[])[]): Figure {
  const all = seconds.flat();
  return {
    measure: 'longest of all faults',
    unit: 's',
    rounds: [Math.max(...all)],
    perRound: `${all.length} faults`,
    asked: { relation: 'at most', value: 10 },
  };
}

async function measure(context: BenchContext): Promise<Section> {
  const records = context.quick ? 1000 : (context.rows?.[0] ?? defaultRows);
  const rounds = context.quick ? 1 : 5;
  context.note(`rollback: filling the store with ${records} records`);
  const folder = path.join(context.folder, 'rollback');
  const faultFile = path.join(context.folder, 'fault');
  const service = await startService(folder, 'optimized', [], [], {
    NODE_OPTIONS: ['faulty-database.mjs', 'faulty-cache.mjs']
      .map((module) => `--import ${new URL(module, import.meta.url).href}`)
      .join(' '),
    FAULT_FILE: faultFile,
  });
  const file = makeTrajectories(records, 1);
  await importFile(service, file);
  const client = createClient(service.origin, 1);
  const watcher = createClient(service.origin, 1);
  const canvas = { body: makeCanvas(20_000, 1), headers: { 'content-type': 'application/json' } };
  expectStatus(await client.request('PUT', canvasUrl, canvas), [201], `PUT ${canvasUrl}`);
  const asked = { client, watcher, ids: file.ids, random: createRandom(7) };
  await untilIndexed(asked);
  const taken = new Map<Fault, Round[]>(names.map((name) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const fault of names) {
      context.note(`rollback: ${fault}, ${round} of ${rounds}`);
      taken.get(fault)?.push(await breakOnce(service, faultFile, asked, fault));
    }
  }
  client.close();
  watcher.close();
  await service.stop();
  const secondsOf = (name: Fault) => (taken.get(name) ?? []).map(({ seconds }) => seconds);
  return {
    title: `Rollback at ${formatNumber(records)} records`,
    how:
      `The service as shipped over ${formatNumber(records)} records of about 4.9 KB; one client asks for pages with filters, ` +
      `for records and for a canvas, one after another with ${pauseMs} ms between, another for the state of the flags. At any moment ` +
      'the database or the memory of canvases begins to answer wrongly, or not at all, in one optimised way; the time runs from there until the ' +
      'flag is seen to be off. What is asked afterwards must be as it was before the fault, byte by byte: the bench fails otherwise.',
    figures: [
      ...names.map((name) => ({
        measure: `${faults[name].told}: until ${faults[name].flag} is off`,
        unit: 's',
        rounds: secondsOf(name),
        perRound: '1 fault',
      })),
      longestFigure(names.map(secondsOf)),
    ],
    tables: [
      {
        heading: ['', 'median s', 'longest s', 'right answers after'],
        rows: names.map((name) => {
          const seconds = secondsOf(name);
          const after = (taken.get(name) ?? []).reduce((sum, { answersAfter }) => sum + answersAfter, 0);
          return [faults[name].told, ...[median(seconds), Math.max(...seconds), after].map(formatNumber)];
        }),
      },
    ],
  };
}

/**
 * How soon a fault in an optimised way turns its flag off, in the built service. Nothing of it is held by a check: it tells
 * a time.
 * @source product contract, Optimisations (`auto_rollback`)
 */
export const benchRollback: Bench = async function* (context) {
  yield await measure(context);
};
