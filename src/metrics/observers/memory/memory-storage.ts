import { Gauge, type Registry } from 'prom-client';

/** What is on disk changes slowly, and asking a database is dear. */
const askEveryMs = 15_000;

/**
 * Bytes that the memories take on disk, of those that said where to ask. A scrape waits for the first answer only; later
 * ones get the last, while the next is asked for.
 * @param now milliseconds of a clock that never goes back
 * @source product contract, Monitoring (`canvas_memory_storage_bytes{memory_type}`)
 */
export function watchMemoryStorage(
  registry: Registry,
  now: () => number = () => performance.now(),
): (memoryType: 'graphiti' | 'temporal' | 'semantic', read: () => number | Promise<number>) => void {
  const readers = new Map<string, () => number | Promise<number>>();
  let asked: Promise<void> | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let isKnown = false;

  const gauge = new Gauge({
    name: 'canvas_memory_storage_bytes',
    help: 'Bytes that a memory takes on disk',
    labelNames: ['memory_type'],
    registers: [registry],
    async collect() {
      if (!asked && now() - askedAt >= askEveryMs) {
        askedAt = now();
        asked = ask().finally(() => {
          asked = undefined;
        });
      }
      if (!isKnown) await asked;
    },
  });

  async function ask(): Promise<void> {
    for (const [memory_type, read] of readers) {
      const bytes = await (async () => read())().catch(() => undefined);
      if (bytes !== undefined) gauge.set({ memory_type }, bytes);
    }
    isKnown = true;
  }

  return (memoryType, read) => {
    readers.set(memoryType, read);
    isKnown = false;
    askedAt = Number.NEGATIVE_INFINITY;
  };
}
