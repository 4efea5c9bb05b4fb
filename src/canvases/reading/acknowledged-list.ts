import type { AcknowledgedCanvas } from '../writing/unwritten-canvases.js';
import type { CanvasListItem, CanvasListPage } from './canvas-list.js';

/** What is acknowledged and not in its file yet, by path. @source product contract, Promises 2 */
export type AcknowledgedByPath = Iterable<readonly [string, AcknowledgedCanvas]>;

function itemOf(path: string, canvas: Extract<AcknowledgedCanvas, { kind: 'canvas' }>): CanvasListItem {
  const modified = new Date(canvas.modifiedMs).toISOString();
  return { path, bytes: canvas.bytes.length, modified, etag: canvas.etag };
}

/**
 * A page of the files, brought up to date with what was acknowledged when the page was asked for. It may be shorter than
 * asked for while canvases are being deleted.
 * @param limit the most items of a page
 * @source product contract, Promises 2 (a reader never sees a stale canvas)
 */
export function listAcknowledged(
  page: CanvasListPage,
  range: { prefix: string; after: string },
  limit: number,
  acknowledged: AcknowledgedByPath,
): CanvasListPage {
  const items = new Map(page.items.map((item) => [item.path, item]));
  for (const [path, canvas] of acknowledged) {
    if (!path.startsWith(range.prefix) || path <= range.after) continue;
    if (page.lastPath !== undefined && path > page.lastPath) continue;
    if (canvas.kind === 'canvas') items.set(path, itemOf(path, canvas));
    else items.delete(path);
  }
  const sorted = [...items.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  if (sorted.length <= limit) return { items: sorted, lastPath: page.lastPath };
  const cut = sorted.slice(0, limit);
  return { items: cut, lastPath: cut.at(-1)?.path };
}
