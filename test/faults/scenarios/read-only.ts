/** Makes a canvas unwritable in one of several ways while the service runs, and writable again. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { checkAll } from '../support/checks.js';
import { bindOntoItself, remount } from '../support/file-systems.js';
import { canvasUrl } from '../support/http-client.js';
import { Tally } from '../support/scale.js';
import type { Ground } from '../support/service.js';
import { type Fault, WriteBook } from '../support/write-book.js';
import { sendWrite } from '../support/writers.js';

export interface ReadOnlyReport {
  cases: number;
  answers: Record<string, number>;
  /** Ways that this machine has not, with the reason. */
  without: Record<string, string>;
  faults: Fault[];
}

const chattr = (flag: '+i' | '-i', target: string) => execFileSync('chattr', [flag, target], { stdio: 'pipe' });

/** What can be done to `folder`, in which `file` lies. */
const ways: Record<string, (folder: string, file: string) => { forbid(): void; allow(): void }> = {
  'read-only mount': (folder) => ({
    forbid: () => remount(folder, 'ro', true),
    allow: () => remount(folder, 'rw', true),
  }),
  'immutable folder': (folder) => ({ forbid: () => chattr('+i', folder), allow: () => chattr('-i', folder) }),
  'immutable file': (_, file) => ({ forbid: () => chattr('+i', file), allow: () => chattr('-i', file) }),
};

/** Each way twice: with nothing waiting, and with a write that was acknowledged a moment ago. */
export async function forbidWriting(ground: Ground, rounds: number): Promise<ReadOnlyReport> {
  const book = new WriteBook();
  const answers = new Tally();
  const faults: Fault[] = [];
  const without: Record<string, string> = {};
  let cases = 0;
  const folder = path.join(ground.vaultDir, 'forbidden');
  mkdirSync(folder, { recursive: true });
  bindOntoItself(ground, folder);
  const service = await ground.start();
  const write = (name: string) => sendWrite(service, book, book.begin(name, 'put', 30_000));
  for (let round = 0; round < rounds; round += 1) {
    for (const [way, make] of Object.entries(ways)) {
      const name = `forbidden/${way.replaceAll(' ', '-')}.canvas`;
      const { forbid, allow } = make(folder, path.join(ground.vaultDir, name));
      await write(name);
      await service.client.request('POST', '/admin/flush');
      if (round % 2 === 1) await write(name);
      try {
        forbid();
      } catch (error) {
        without[way] = String((error as { stderr?: Buffer }).stderr ?? error).trim();
        continue;
      }
      ground.undo(() => {
        try {
          allow();
        } catch {
          // Allowed already, or unmounted.
        }
      });
      cases += 1;
      try {
        const refused = await write(name);
        answers.add(`${way}: ${refused?.status ?? 'none'}`);
        if (![200, 403, 503].includes(refused?.status ?? 0)) {
          faults.push({ kind: 'bad_answer', detail: `${way}: ${refused?.status} ${refused?.body.toString()}` });
        }
        const served = await service.client.get(canvasUrl(name));
        if (served.status === 200) faults.push(...book.judge(name, served.body));
        else faults.push({ kind: 'bad_answer', detail: `${way}: GET ${served.status}` });
      } finally {
        allow();
      }
      const next = await write(name);
      if (next?.status !== 200) faults.push({ kind: 'bad_answer', detail: `${way}, allowed again: ${next?.status}` });
      faults.push(...(await checkAll(service, book, ground.vaultDir, { hasPatience: true })));
    }
  }
  return { cases, answers: answers.counts, without, faults };
}
