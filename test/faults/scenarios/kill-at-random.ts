/** Kills the service in the middle of its work, again and again, and looks each time what is left. */
import { checkAll, fileBytes } from '../support/checks.js';
import { pause, Random, spread, Tally } from '../support/scale.js';
import { type Ground, routesOf } from '../support/service.js';
import { type Fault, WriteBook } from '../support/write-book.js';
import { someCanvases, startWriters } from '../support/writers.js';

export interface KillOptions {
  kills: number;
  seed: number;
  canvases: number;
  maxBytes?: number;
  /** The next kill is not made once something was found. */
  stopsAtFault?: boolean;
  /**
   * Gives an empty ground for each fifty kills that follow, so that the next kill costs what the first one did. By then
   * every canvas has more versions than the history keeps.
   */
  freshGround?(): Promise<Ground>;
}

const killsPerGround = 50;

export interface KillReport {
  kills: number;
  acknowledged: number;
  unanswered: number;
  refused: number;
  /** Kills while at least one write was between its sending and its answer. */
  killsBeforeAnswer: number;
  /** Where the writes were that got no answer, and how far the files were. */
  landed: Record<string, number>;
  restartMs: { p50: number; p95: number; max: number };
  restartCpuMs: { p50: number; p95: number; max: number };
  /**
   * The longest of all restarts, each by the lesser of its time on the wall and on the processor: other programs on the
   * machine lengthen the one, the threads of the service add up in the other.
   */
  longestRestartMs: number;
  edits: boolean;
  faults: Fault[];
}

const ageName = (ms: number) => (ms < 1 ? 'under 1 ms' : ms < 5 ? '1 to 5 ms' : ms < 20 ? '5 to 20 ms' : 'over 20 ms');

export async function killAtRandom(first: Ground, options: KillOptions): Promise<KillReport> {
  const random = new Random(options.seed);
  const books = [new WriteBook()];
  let ground = first;
  let book = books[0]!;
  const canvases = someCanvases(options.canvases, options.maxBytes);
  const landed = new Tally();
  const faults: Fault[] = [];
  const restarts: { wallMs: number; cpuMs: number }[] = [];
  let killsBeforeAnswer = 0;
  let kills = 0;
  let service = await ground.start();
  const { edits } = await routesOf(service);
  while (kills < options.kills && !(options.stopsAtFault && faults.length > 0)) {
    if (options.freshGround && kills > 0 && kills % killsPerGround === 0) {
      await ground.clear();
      ground = await options.freshGround();
      book = new WriteBook();
      books.push(book);
      service = await ground.start();
    }
    const end = startWriters(service, book, { writers: random.between(8, 16), canvases, random, edits });
    await pause(random.between(50, 900));
    const killedAt = performance.now();
    const open = book.open;
    if (open.length > 0) killsBeforeAnswer += 1;
    for (const { sentAt } of open) landed.add(`unanswered for ${ageName(killedAt - sentAt)}`);
    await service.kill();
    await end();
    book.loseOpen();
    kills += 1;
    for (const name of book.names) {
      if (book.isBehind(name, await fileBytes(ground.vaultDir, name))) landed.add('acknowledged, not yet in its file');
    }
    service = await ground.start();
    restarts.push({ wallMs: service.startedInMs, cpuMs: service.startCpuMs ?? service.startedInMs });
    faults.push(...(await checkAll(service, book, ground.vaultDir)));
  }
  const sumOf = (count: (each: WriteBook) => number) => books.reduce((sum, each) => sum + count(each), 0);
  return {
    kills,
    acknowledged: sumOf(({ acknowledged }) => acknowledged),
    unanswered: sumOf(({ unknown }) => unknown),
    refused: sumOf(({ refused }) => refused),
    killsBeforeAnswer,
    landed: landed.counts,
    restartMs: spread(restarts.map(({ wallMs }) => wallMs)),
    restartCpuMs: spread(restarts.map(({ cpuMs }) => cpuMs)),
    longestRestartMs: Math.round(Math.max(...restarts.map(({ wallMs, cpuMs }) => Math.min(wallMs, cpuMs)))),
    edits,
    faults,
  };
}
