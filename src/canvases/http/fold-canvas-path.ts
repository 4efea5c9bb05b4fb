const prefix = '/canvas/';

function endsPath(segment: string): boolean {
  if (segment.endsWith('.canvas')) return true;
  if (!segment.includes('%')) return false;
  try {
    return decodeURIComponent(segment).endsWith('.canvas');
  } catch {
    return false;
  }
}

/**
 * Makes the path of a canvas one segment of the URL, so that the router's `/canvas/:path` and `/canvas/:path/nodes`
 * take canvases in folders: `/canvas/a/b.canvas/nodes?x=1` becomes `/canvas/a%2Fb.canvas/nodes?x=1`. The path ends
 * with the first segment that ends in `.canvas`; when there is none, all the rest is the path. Nothing is decoded for
 * good here, so nothing is decoded twice.
 * @source Fastify documentation, `rewriteUrl`; product contract, Canvases ("`{path}` may hold `/`")
 */
export function foldCanvasPath(url: string): string {
  if (!url.startsWith(prefix)) return url;
  const queryAt = url.slice(prefix.length).search(/[?#]/);
  const end = queryAt === -1 ? url.length : prefix.length + queryAt;
  const rest = url.slice(prefix.length, end);
  if (!rest.includes('/')) return url;
  const segments = rest.split('/');
  const last = segments.findIndex(endsPath);
  const path = segments.slice(0, last === -1 ? undefined : last + 1).join('%2F');
  const suffix = last === -1 ? [] : segments.slice(last + 1);
  return prefix + [path, ...suffix].join('/') + url.slice(end);
}
