/** A canvas changed, moved (then `from` is where it was) or went; `etag` is null when it is gone. @source product contract, Canvases */
export interface VaultChange {
  path: string;
  from?: string;
  etag: string | null;
}

/**
 * What the search needs of the vault's canvases.
 * @source product contract, Settled details (`/canvas/search`)
 */
export interface VaultCanvases {
  /** @throws Problem, when there is no such canvas, or it cannot be read now */
  newest(path: string): Promise<Canvas>;
  list(
    range: { prefix: string; after: string },
    limit: number,
  ): Promise<{ items: ListedCanvas[]; lastPath?: string | undefined }>;
  readonly changes: { subscribe(listener: (change: VaultChange) => void): () => void };
}

/** The bytes of a canvas and which version they are. @source product contract, Canvases */
export interface Canvas {
  etag: string;
  bytes: Buffer;
}

/** `etag` is null for what cannot be read. @source product contract, Settled details (`GET /canvas`) */
export interface ListedCanvas {
  path: string;
  etag: string | null;
}

/** Problems of a canvas that stay until it changes: it has no nodes to be found. */
const lasting: ReadonlySet<string> = new Set([
  'CANVAS_NOT_FOUND',
  'CANVAS_INVALID',
  'CANVAS_TOO_LARGE',
  'CANVAS_PATH_INVALID',
]);

/**
 * A canvas as it is now, parsed; undefined when there is none that can be read. Its version alone when that is `known`.
 * @throws Problem, when it cannot be read just now
 * @source product contract, Canvases ("reading is lenient")
 */
export async function readCanvas(
  canvases: Pick<VaultCanvases, 'newest'>,
  path: string,
  known: string | undefined,
): Promise<{ etag: string; canvas?: unknown } | undefined> {
  try {
    const { etag, bytes } = await canvases.newest(path);
    if (etag === known) return { etag };
    const text = bytes.toString('utf8');
    return { etag, canvas: JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text) };
  } catch (error) {
    if (lasting.has(String((error as { code?: unknown }).code)) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
