import { access, constants } from 'node:fs/promises';
import { openUpstream, type UpstreamEvent, type UpstreamOptions } from '../../upstream/index.js';
import type { Clock } from '../clock.js';

const lookEveryMs = 15_000;
const longestMs = 5000;

/**
 * Looks whether a memory can be reached: rejects when not.
 * @source product contract, "Facts from the documents that the seeds cite" (a memory system unreachable)
 */
export type MemoryProbe = () => Promise<unknown>;

/**
 * A memory that keeps its data in a folder here: it is there, and may be read and written.
 * @source product contract, "Facts from the documents that the seeds cite"
 */
export const folderProbe =
  (folder: string): MemoryProbe =>
  () =>
    access(folder, constants.R_OK | constants.W_OK);

/**
 * A memory on a Graphiti server: its health is asked for, once a look. It is asked however often it has failed, since
 * only that tells when it is back.
 * @source Graphiti repository, server/graph_service/main.py (healthcheck)
 */
export function graphitiProbe(
  baseUrl: string,
  onUpstreamEvent: (event: UpstreamEvent) => void,
  clock?: UpstreamOptions['clock'],
): { probe: MemoryProbe; close(): void } {
  const server = openUpstream({
    name: 'graphiti_health',
    baseUrl,
    policy: 'network',
    circuit: { failures: Number.POSITIVE_INFINITY, openMs: 1 },
    onEvent: onUpstreamEvent,
    ...(clock && { clock }),
  });
  const options = { timeoutMs: longestMs, sideEffect: true, ignoreAnswer: true };
  return { probe: () => server.getJson('/healthcheck', options), close: () => server.close() };
}

/**
 * Looks at each memory every 15 s, one look of each at a time; one that has not answered after 5 s cannot be reached.
 * @param onLook is told what each look found
 * @returns what ends it
 * @source product contract, "Facts from the documents that the seeds cite" (a memory system unreachable, 1 min)
 */
export function watchMemories(
  probes: Readonly<Record<string, MemoryProbe>>,
  clock: Clock,
  onLook: (memoryType: string, isUp: boolean) => void,
): () => void {
  const underWay = new Set<string>();
  let isClosed = false;

  function look(name: string, probe: MemoryProbe) {
    if (underWay.has(name)) return;
    underWay.add(name);
    let isTold = false;
    const tell = (isUp: boolean) => {
      if (isTold || isClosed) return;
      isTold = true;
      onLook(name, isUp);
    };
    const stopWaiting = clock.after(longestMs, () => tell(false));
    probe()
      .then(
        () => tell(true),
        () => tell(false),
      )
      .finally(() => {
        stopWaiting();
        underWay.delete(name);
      });
  }

  const lookAtAll = () => {
    for (const [name, probe] of Object.entries(probes)) look(name, probe);
  };
  lookAtAll();
  const stop = clock.every(lookEveryMs, lookAtAll);
  return () => {
    isClosed = true;
    stop();
  };
}
