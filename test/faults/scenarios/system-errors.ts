/**
 * Lets one system call of a write fail, the first of a kind, then the second, until a write ends without reaching it.
 * The service must say no to what it cannot keep, keep what it says yes to, and go on.
 */
import { checkAll } from '../support/checks.js';
import { canvasUrl } from '../support/http-client.js';
import { Tally } from '../support/scale.js';
import type { Ground, RunningService } from '../support/service.js';
import { describeCall, type SystemCall, traceService } from '../support/strace.js';
import { type Fault, WriteBook } from '../support/write-book.js';
import { sendWrite } from '../support/writers.js';
import { answers as isAnswering, prepareTarget, type Target, writeAndFlush } from './kill-points.js';

export interface ErrorPoints {
  target: Target;
  bytes: number;
  errors: readonly string[];
  calls: readonly SystemCall[];
  maxPerCall: number;
}

export interface ErrorReport {
  injected: number;
  points: Record<string, number>;
  answers: Record<string, number>;
  faults: Fault[];
}

/** What an answer may show to a client of the machine it runs on. */
const leak = /\/(?:home|tmp|usr|root|var|proc)\/|node_modules|:\d+:\d+\)|\bE(?:IO|NOSPC|ROFS|ACCES|NOENT|MFILE)\b/;
const mayAnswer = new Set([200, 201, 403, 503, 507]);

function judgeAnswer(status: number, contentType: string | undefined, body: Buffer, where: string): Fault[] {
  const text = body.toString();
  const isRight =
    mayAnswer.has(status) &&
    (status < 300 || (contentType?.startsWith('application/problem+json') && !leak.test(text)));
  return isRight ? [] : [{ kind: 'bad_answer', detail: `${where}: ${status} ${text.slice(0, 300)}` }];
}

/** Refused or not, the canvas is whole and what was promised, and takes the next write. */
async function tryAgain(service: RunningService, book: WriteBook, name: string, bytes: number, where: string) {
  const served = await service.client.get(canvasUrl(name));
  const faults =
    served.status === 200 || served.status === 404
      ? book.judge(name, served.status === 200 ? served.body : undefined)
      : judgeAnswer(served.status, served.headers['content-type'], served.body, `GET after ${where}`);
  const next = await sendWrite(service, book, book.begin(name, 'put', bytes));
  if (next?.status !== 200 && next?.status !== 201) {
    faults.push({ kind: 'bad_answer', detail: `the next write after ${where}: ${next?.status ?? 'none'}` });
  }
  return faults;
}

export async function failEachCall(ground: Ground, all: readonly ErrorPoints[]): Promise<ErrorReport> {
  const book = new WriteBook();
  const points = new Tally();
  const answers = new Tally();
  const faults: Fault[] = [];
  let injected = 0;
  let service = await ground.start();
  for (const { target, bytes, errors, calls, maxPerCall } of all) {
    for (const call of calls) {
      for (const error of errors) {
        for (let when = 1; when <= maxPerCall; when += 1) {
          const name = await prepareTarget(service, book, target, bytes);
          const inject = { effect: `error=${error}`, when: String(when) } as const;
          const trace = await traceService(ground, service, { calls: [call], inject });
          const { write, answer } = await writeAndFlush(service, book, name, bytes);
          const where = `${error} at ${call} ${when} (${target}, ${bytes} bytes)`;
          await trace.detach();
          if (!answer || !(await isAnswering(service))) {
            faults.push({ kind: 'died', detail: `${where}: ${service.log().slice(-1000)}` });
            await service.kill();
            book.loseOpen();
            service = await ground.start();
            continue;
          }
          const hits = trace.lines().filter((line) => line.includes('(INJECTED)'));
          if (hits.length === 0) break;
          injected += hits.length;
          if (hits.some((line) => describeCall(line) === 'fsync folder')) book.doubt(write);
          for (const line of hits) points.add(`${error} ${describeCall(line) ?? `${call} elsewhere`}`);
          answers.add(String(answer.status));
          faults.push(...judgeAnswer(answer.status, answer.headers['content-type'], answer.body, where));
          faults.push(...(await tryAgain(service, book, name, bytes, where)));
        }
      }
      faults.push(...(await checkAll(service, book, ground.vaultDir, { hasPatience: true })));
    }
  }
  await service.kill();
  book.loseOpen();
  service = await ground.start();
  faults.push(...(await checkAll(service, book, ground.vaultDir)));
  return { injected, points: points.counts, answers: answers.counts, faults };
}
