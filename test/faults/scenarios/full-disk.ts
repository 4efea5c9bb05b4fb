/** Fills the disk under the service, writes, frees it again, without ever starting the service anew for it. */
import { checkAll } from '../support/checks.js';
import { fillUpTo, freeAgain } from '../support/file-systems.js';
import { canvasUrl } from '../support/http-client.js';
import { Random, Tally } from '../support/scale.js';
import type { Ground } from '../support/service.js';
import { type Fault, WriteBook } from '../support/write-book.js';
import { sendWrite } from '../support/writers.js';

export interface FullDiskOptions {
  /** Where the small file system is mounted. */
  disk: string;
  writes: number;
  seed: number;
}

export interface FullDiskReport {
  writes: number;
  answers: Record<string, number>;
  afterwards: Record<string, number>;
  kills: number;
  faults: Fault[];
}

const sizes = [40_000, 100_000, 180_000];

export async function writeOnFullDisk(
  ground: Ground,
  { disk, writes, seed }: FullDiskOptions,
): Promise<FullDiskReport> {
  const random = new Random(seed);
  const book = new WriteBook();
  const answers = new Tally();
  const afterwards = new Tally();
  const faults: Fault[] = [];
  const names = Array.from({ length: 8 }, (_, index) => `full-${index}.canvas`);
  let kills = 0;
  let service = await ground.start();
  for (const name of names) await sendWrite(service, book, book.begin(name, 'put', random.pick(sizes)));
  await service.client.request('POST', '/admin/flush');
  for (let count = 1; count <= writes; count += 1) {
    const name = random.pick(names);
    const bytes = random.pick(sizes);
    fillUpTo(disk, random.pick([0, 4096, bytes >>> 1, bytes * 2 + 65_536]));
    const answer = await sendWrite(service, book, book.begin(name, 'put', bytes));
    answers.add(String(answer?.status ?? 'none'));
    if (answer && ![200, 507].includes(answer.status)) {
      faults.push({ kind: 'bad_answer', detail: `on a full disk: ${answer.status} ${answer.body.toString()}` });
    }
    const served = await service.client.get(canvasUrl(name));
    if (served.status === 200) faults.push(...book.judge(name, served.body));
    else faults.push({ kind: 'bad_answer', detail: `GET on a full disk: ${served.status}` });
    const isKilled = count % 10 === 0;
    if (isKilled) {
      kills += 1;
      await service.kill();
      book.loseOpen();
    }
    freeAgain(disk);
    if (isKilled) service = await ground.start();
    if (count % 4 === 0 || isKilled || count === writes) {
      const next = await sendWrite(service, book, book.begin(name, 'put', bytes));
      afterwards.add(String(next?.status ?? 'none'));
      if (next?.status !== 200) faults.push({ kind: 'bad_answer', detail: `once there is room: ${next?.status}` });
      faults.push(...(await checkAll(service, book, ground.vaultDir, { hasPatience: true })));
    }
  }
  return { writes, answers: answers.counts, afterwards: afterwards.counts, kills, faults };
}
