import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const clockTicksPerSecond = 100;

/** Threads that ended between the listing and the reading have no file any more. */
function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * CPU time that a process has used so far, in nanoseconds: of its living threads where the kernel keeps schedstat,
 * else of the whole process in steps of 10 ms.
 * @source Linux kernel documentation, "Scheduler Statistics" (/proc/<pid>/schedstat); proc_pid_stat(5)
 */
export function cpuNanoseconds(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const times = threads.map((thread) => readIfThere(`/proc/${pid}/task/${thread}/schedstat`)?.split(' ', 1)[0]);
  const total = times.reduce((sum, time) => sum + Number(time ?? 0), 0);
  if (total > 0) return total;
  return cpuSeconds(pid) * 1e9;
}

/**
 * CPU time that a process has used so far, in seconds, its threads that have ended included; in steps of 10 ms.
 * @source proc_pid_stat(5), utime and stime
 */
export function cpuSeconds(pid: number): number {
  const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(afterName[11]) + Number(afterName[12])) / clockTicksPerSecond;
}

function kibibytes(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
}

/**
 * Memory that a process holds now, in bytes.
 * @source proc_pid_status(5), VmRSS
 */
export function residentBytes(pid: number): number {
  return kibibytes(pid, 'VmRSS');
}

/**
 * The most memory that a process held since it started, or since {@link forgetPeak}, in bytes.
 * @source proc_pid_status(5), VmHWM
 */
export function peakResidentBytes(pid: number): number {
  return kibibytes(pid, 'VmHWM');
}

/**
 * Lets the peak begin anew at what is held now.
 * @source proc_pid_clear_refs(5), value 5
 */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/**
 * Bytes that a process has handed to write calls, for files and sockets alike. Not `write_bytes`: that counts whole
 * folios of the page cache, 256 KiB for an append of 400 bytes.
 * @source proc_pid_io(5), wchar
 */
export function writtenBytes(pid: number): number {
  return Number(/^wchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);
}
