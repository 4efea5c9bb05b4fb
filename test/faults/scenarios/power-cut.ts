/** Cuts the power of the disk under vault and data, and looks what a new start finds on it. */
import path from 'node:path';
import { checkAll } from '../support/checks.js';
import { mountImage } from '../support/file-systems.js';
import { pause, Random } from '../support/scale.js';
import type { Ground } from '../support/service.js';
import { type Fault, WriteBook } from '../support/write-book.js';
import { sendWrite, someCanvases, startWriters } from '../support/writers.js';

export interface PowerCutOptions {
  cuts: number;
  seed: number;
  /** Every cut of the quiet kind: a few writes, each answered, a pause, then the cut. Else every second one. */
  onlyQuiet?: boolean;
}

export interface PowerCutReport {
  cuts: number;
  acknowledged: number;
  unanswered: number;
  faults: Fault[];
}

const quietMs = 300;

export async function cutPower(ground: Ground, options: PowerCutOptions): Promise<PowerCutReport> {
  const random = new Random(options.seed);
  const book = new WriteBook();
  const faults: Fault[] = [];
  const disk = mountImage(ground, 'disk');
  ground.vaultDir = path.join(disk.folder, 'vault');
  ground.dataDir = path.join(disk.folder, 'data');
  const canvases = someCanvases(12, 60_000);
  let service = await ground.start();
  for (let cut = 1; cut <= options.cuts; cut += 1) {
    let end = async () => {};
    if (options.onlyQuiet || cut % 2 === 1) {
      const { name, bytes } = random.pick(canvases);
      await sendWrite(service, book, book.begin(name, 'put', bytes));
      await sendWrite(service, book, book.begin(`new-${cut}.canvas`, 'put', bytes));
      await pause(quietMs);
    } else {
      end = startWriters(service, book, { writers: 6, canvases, random, edits: false });
      await pause(random.between(50, 500));
    }
    disk.cut();
    await service.kill();
    await end();
    book.loseOpen();
    disk.mountAgain();
    service = await ground.start();
    faults.push(...(await checkAll(service, book, ground.vaultDir, { refusedMayStay: true })));
  }
  await service.kill();
  return { cuts: options.cuts, acknowledged: book.acknowledged, unanswered: book.unknown, faults };
}
