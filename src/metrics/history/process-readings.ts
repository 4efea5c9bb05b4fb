import { availableParallelism } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const resolutionMs = 10;

/**
 * How the process fares: `cpuRatio` is its share of all cores since the reading before, delays are of the event loop
 * since the reading before, without the pause between two looks.
 * @source story-17.4 AC5 (resource use)
 */
export interface ProcessState {
  cpuRatio: number;
  rssBytes: number;
  heapBytes: number;
  eventLoopP99Seconds: number;
  eventLoopMaxSeconds: number;
}

/**
 * Reads the process. It looks at the event loop with a monitor of its own: the one behind `/metrics` is set back by each
 * scrape, and two readers would take the delays from each other.
 * @source Node.js documentation, perf_hooks "monitorEventLoopDelay()"
 */
export interface ProcessReader {
  read(elapsedSeconds: number): ProcessState;
  close(): void;
}

/**
 * @source Node.js documentation, process "cpuUsage()", "memoryUsage()"
 */
export function openProcessReader(): ProcessReader {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  let cpu = process.cpuUsage();
  const cores = availableParallelism();
  // A machine that slept, or nothing measured yet, reads as a number that is no delay.
  const late = (nanoseconds: number) =>
    Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - resolutionMs / 1000) : 0;

  return {
    read(elapsedSeconds) {
      const now = process.cpuUsage();
      const usedSeconds = (now.user - cpu.user + now.system - cpu.system) / 1e6;
      cpu = now;
      const { rss, heapUsed } = process.memoryUsage();
      const counted = delays.count > 0;
      const state = {
        cpuRatio: elapsedSeconds > 0 ? Math.min(1, usedSeconds / elapsedSeconds / cores) : 0,
        rssBytes: rss,
        heapBytes: heapUsed,
        eventLoopP99Seconds: counted ? late(delays.percentile(99)) : 0,
        eventLoopMaxSeconds: counted ? late(delays.max) : 0,
      };
      delays.reset();
      return state;
    },
    close: () => delays.disable(),
  };
}
