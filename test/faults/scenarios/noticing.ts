/**
 * How long it takes, on the real clock, from another program's write to the event at a client that follows all canvases
 * over a socket. In this process, since a service of its own cannot be told to do without the system's hints.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { canvasRoutes, foldCanvasPath } from '../../../src/canvases/index.js';
import { openTestCanvases } from '../../canvases/support/open-test-canvases.js';
import { openEvents } from '../../http/event-client.js';
import { startTestServer } from '../../support/server.js';
import { canvasText } from '../support/canvas-text.js';
import { pause, Random, seed, spread } from '../support/scale.js';

export interface NoticingOptions {
  canvases: number;
  edits: number;
  /** 0: nothing is watched; undefined: as the service does. */
  maxWatchedFolders: number | undefined;
}

export interface NoticingReport {
  canvases: number;
  edits: number;
  /** Edits of which nobody was told within ten seconds. */
  missed: number;
  noticedMs: { p50: number; p95: number; max: number };
}

const folders = 20;
const patienceMs = 10_000;
const nameOf = (index: number) => `folder-${index % folders}/${index}.canvas`;

export async function noticeOutside(options: NoticingOptions): Promise<NoticingReport> {
  const { maxWatchedFolders } = options;
  const random = new Random(seed);
  const { canvases, vaultDir } = await openTestCanvases(
    true,
    maxWatchedFolders === undefined ? {} : { maxWatchedFolders },
  );
  const write = (index: number, put: number) =>
    writeFileSync(path.join(vaultDir, nameOf(index)), canvasText(nameOf(index), 2000, { put, edit: 0 }));
  const server = await startTestServer([canvasRoutes(canvases)], { foldUrl: foldCanvasPath });
  const client = await openEvents(server, '/canvas/events');
  for (let index = 0; index < folders; index++) mkdirSync(path.join(vaultDir, `folder-${index}`));
  for (let index = 0; index < options.canvases; index++) write(index, 1);
  await client.events(options.canvases);
  const noticed: number[] = [];
  let told = client.parser.events.length;
  for (let edit = 0; edit < options.edits; edit++) {
    // At any moment between two sweeps.
    await pause(random.between(400, 1400));
    told = client.parser.events.length;
    const writtenAt = performance.now();
    write(random.between(0, options.canvases - 1), edit + 2);
    const isTold = await Promise.race([client.events(told + 1).then(() => true), pause(patienceMs)]);
    if (isTold) noticed.push(performance.now() - writtenAt);
  }
  client.leave();
  const missed = options.edits - noticed.length;
  return { canvases: options.canvases, edits: options.edits, missed, noticedMs: spread(noticed) };
}
