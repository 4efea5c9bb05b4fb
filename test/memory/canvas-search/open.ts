import { onTestFinished } from 'vitest';
import { createLogger } from '../../../src/logger.js';
import type { CanvasSearchEvent } from '../../../src/memory/canvas-search/canvas-search-event.js';
import { type CanvasSearchOptions, openCanvasSearch } from '../../../src/memory/canvas-search/open-canvas-search.js';
import type { VaultCanvases, VaultChange } from '../../../src/memory/canvas-search/searched-canvases.js';
import { ManualClock } from '../../support/manual-clock.js';

/** Vectors that tests can foresee: the share of each letter a to h. Counts what it is asked for. */
export function letterEmbedder(model = 'letters', dimensions = 8) {
  const asked: string[] = [];
  return {
    model,
    dimensions,
    asked,
    async embed(texts: readonly string[]) {
      asked.push(...texts);
      return texts.map((text) => {
        const counts = new Float32Array(dimensions);
        for (const letter of text) {
          const place = letter.charCodeAt(0) - 97;
          if (place >= 0 && place < dimensions) counts[place]! += 1;
        }
        const length = Math.hypot(...counts) || 1;
        return counts.map((count) => count / length);
      });
    },
  };
}

export const card = (id: string, text: string) => ({ id, type: 'text', x: 0, y: 0, width: 1, height: 1, text });

/** Canvases in memory, with versions that count up; `failing` paths are thrown at whoever reads them. */
export function memoryVault(canvases: Record<string, unknown[]> = {}) {
  const stored = new Map<string, { etag: string; text: string }>();
  const listeners = new Set<(change: VaultChange) => void>();
  const failing = new Map<string, Error>();
  const reads: string[] = [];
  let version = 0;
  const tell = (change: VaultChange) => {
    for (const listener of listeners) listener(change);
  };
  const vault = {
    reads,
    failing,
    put(path: string, nodes: unknown) {
      version += 1;
      stored.set(path, { etag: `"${version}"`, text: JSON.stringify({ nodes, edges: [] }) });
      tell({ path, etag: `"${version}"` });
    },
    putText(path: string, text: string) {
      version += 1;
      stored.set(path, { etag: `"${version}"`, text });
      tell({ path, etag: `"${version}"` });
    },
    delete(path: string) {
      stored.delete(path);
      tell({ path, etag: null });
    },
    move(from: string, path: string) {
      const canvas = stored.get(from)!;
      stored.delete(from);
      stored.set(path, canvas);
      tell({ path, from, etag: canvas.etag });
    },
    async newest(path: string) {
      reads.push(path);
      const failure = failing.get(path);
      if (failure) throw failure;
      const canvas = stored.get(path);
      if (!canvas) throw Object.assign(new Error('no such canvas'), { code: 'CANVAS_NOT_FOUND' });
      return { etag: canvas.etag, bytes: Buffer.from(canvas.text) };
    },
    async list({ after }: { after: string }, limit: number) {
      const paths = [...stored.keys()].sort().filter((path) => path > after);
      const items = paths.slice(0, limit).map((path) => ({ path, etag: stored.get(path)!.etag }));
      return { items, lastPath: paths.length > limit ? items.at(-1)?.path : undefined };
    },
    changes: {
      subscribe(listener: (change: VaultChange) => void) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  } satisfies VaultCanvases & Record<string, unknown>;
  for (const [path, nodes] of Object.entries(canvases)) vault.put(path, nodes);
  return vault;
}

/** A search on a clock that stands still. */
export async function openTestSearch(
  lanceUri: string,
  canvases: VaultCanvases,
  changes: Partial<CanvasSearchOptions> = {},
) {
  const events: CanvasSearchEvent[] = [];
  const clock = new ManualClock();
  const search = await openCanvasSearch({
    lanceUri,
    canvases,
    embedder: letterEmbedder(),
    logger: createLogger('silent'),
    onEvent: (event) => events.push(event),
    after: (delayMs, work) => clock.after(delayMs, work),
    now: () => clock.now(),
    ...changes,
  });
  onTestFinished(search.close);
  return { search, events, clock };
}
