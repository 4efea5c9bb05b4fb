/** strace on a running service: to look at its system calls, to make one fail, or to kill the process at one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Ground, hasTool, isRoot, type RunningService } from './service.js';

/** Calls of one kind, under the names that different machines have for it. */
export const systemCalls = {
  open: ['openat'],
  make_folder: ['mkdir', 'mkdirat'],
  write: ['pwrite64', 'pwritev', 'pwritev2'],
  sync: ['fsync', 'fdatasync'],
  truncate: ['ftruncate'],
  mode: ['fchmod'],
  owner: ['fchown'],
  link: ['link', 'linkat'],
  rename: ['rename', 'renameat', 'renameat2'],
  unlink: ['unlink', 'unlinkat'],
  close: ['close'],
  answer: ['write', 'writev'],
} as const;

export type SystemCall = keyof typeof systemCalls;

const setOf = (call: SystemCall) => systemCalls[call].map((name) => `?${name}`).join(',');

export interface Trace {
  /** Lines so far, one a call, with the paths of descriptors. */
  lines(): string[];
  /** Lets go of the process, alive or dead: strace may wait for ever for one that was killed, and then goes itself. */
  detach(): Promise<void>;
}

export interface TraceOptions {
  calls: readonly SystemCall[];
  /** What to do at the `when`-th call of these kinds in each thread; `1+` is every one. */
  inject?: { effect: 'signal=SIGKILL' | `error=${string}`; when: string };
}

let traces = 0;
const detachLimitMs = 500;

/** Kept when every thread of the service is watched. */
export async function traceService(ground: Ground, service: RunningService, options: TraceOptions): Promise<Trace> {
  traces += 1;
  const file = path.join(ground.folder, `strace-${traces}.log`);
  const set = options.calls.map(setOf).join(',');
  const args = ['-f', '-y', '-s', '8', '-o', file, '-e', `trace=${set}`, '-e', 'signal=none'];
  if (options.inject) args.push('-e', `inject=${set}:${options.inject.effect}:when=${options.inject.when}`);
  const child: ChildProcess = spawn('strace', [...args, '-p', String(service.pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const gone = once(child, 'exit');
  await new Promise<void>((resolve, reject) => {
    let text = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (/attached/.test(text)) resolve();
    });
    child.once('exit', () => reject(new Error(`strace: ${text}`)));
  });
  ground.undo(() => void child.kill('SIGKILL'));
  return {
    lines: () => readFileSync(file, 'utf8').split('\n').filter(Boolean),
    async detach() {
      child.kill('SIGINT');
      const timer = setTimeout(() => child.kill('SIGKILL'), detachLimitMs);
      await gone;
      clearTimeout(timer);
    },
  };
}

/** Why no system call can be watched here; undefined when it can. */
export function whyNoStrace(): string | undefined {
  if (!hasTool('strace', '-V')) return 'needs strace';
  let scope = '0';
  try {
    scope = readFileSync('/proc/sys/kernel/yama/ptrace_scope', 'utf8').trim();
  } catch {
    // Without that setting, one's own processes may be traced.
  }
  return scope === '0' || (isRoot && scope !== '3') ? undefined : 'needs leave to trace processes (yama ptrace_scope)';
}

/**
 * The call a line is about, and the kind of file it is about: `fsync journal`. Undefined for lines about no call, and
 * for calls that have nothing to do with storing.
 */
export function describeCall(line: string): string | undefined {
  const call = /^\d+\s+(?:<\.\.\. )?(\w+)/.exec(line)?.[1];
  if (!call || /^\d+\s+(?:\+\+\+|---)/.test(line)) return undefined;
  const target = /journal-\d+\.log|\/journal\b/.test(line)
    ? 'journal'
    : /\/history\b|\bhistory\//.test(line)
      ? 'history'
      : /canvas-write/.test(line)
        ? 'temporary file'
        : /\.lock/.test(line)
          ? 'lock'
          : /\.canvas\b/.test(line)
            ? 'canvas'
            : /vault|\/proc\/self\/fd/.test(line)
              ? 'folder'
              : /socket|TCP/.test(line)
                ? 'client'
                : undefined;
  return target && `${call} ${target}`;
}
