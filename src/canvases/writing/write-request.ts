import { canvasNotFound, canvasTooLarge, maxCanvasBytes, storedCanvasInvalid } from '../errors.js';
import type { VaultPath } from '../vault/vault-path.js';
import { type CurrentCanvas, checkPreconditions, namesCurrent, type Preconditions } from './preconditions.js';

/**
 * Some bytes and their ETag.
 * @source RFC 9110 section 8.8.3
 */
export interface CanvasContent {
  readonly bytes: Buffer;
  readonly etag: string;
}

/**
 * One request to change a canvas. What is stored is validated already; what an edit makes is validated by `apply`,
 * which may be called more than once and throws the Problem that refuses the edit; `heldBytes` is what it keeps in memory
 * until then, such as the body of its request.
 * @source product contract, Canvases (`PUT`, `PATCH`, `DELETE`)
 */
export interface WriteRequest {
  readonly path: VaultPath;
  readonly change:
    | ({ readonly kind: 'put' } & CanvasContent)
    | { readonly kind: 'edit'; readonly heldBytes: number; apply(current: Buffer): CanvasContent }
    | { readonly kind: 'delete' };
  readonly conditions: Preconditions;
}

/**
 * How a write ended, once durable. `unchanged`: the canvas already held these bytes. `etag` and `bytes` (a length) are
 * of the version that the write made, undefined and 0 when it deleted the canvas.
 * @source product contract, Promises 1
 */
export interface WriteResult {
  readonly outcome: 'created' | 'replaced' | 'unchanged' | 'deleted';
  readonly etag: string | undefined;
  readonly bytes: number;
}

/**
 * Writes canvases, those of one path in the order in which they came.
 * @source product contract, `batch_writer`
 */
export interface CanvasWriter {
  /** Kept when the write is durable, and visible to readers. @throws Problem that refused it */
  write(request: WriteRequest): Promise<WriteResult>;
}

/**
 * Told of each write right before its caller is, in order.
 * @source product contract, Canvases (events)
 */
export type OnStored = (path: string, before: CurrentCanvas, after: CurrentCanvas) => void;

/**
 * The files, as writers see them. All but `current` are durable when they are done; what they replace or remove is in
 * the history.
 * @source product contract, Promises 1 and 3
 */
export interface CanvasFiles {
  /** At once when it is known; the newest state either way. Throws CANVAS_BUSY while another program writes. */
  current(path: VaultPath): CurrentCanvas | Promise<CurrentCanvas>;
  /**
   * Keeps a name for a canvas that will be created, until what it returns is called.
   * @throws Problem CANVAS_NAME_CLASH when a canvas may not be created under this name
   */
  claimName(path: VaultPath): () => void;
  /** @throws Problem VAULT_NOT_WRITABLE when the system would not let us write the canvas */
  checkWritable(path: VaultPath): void;
  replace(path: VaultPath, content: CanvasContent, work: FileWork): Promise<void>;
  remove(path: VaultPath, work: FileWork): Promise<void>;
  /** Makes durable what another program wrote. */
  settle(path: VaultPath, work: FileWork): Promise<void>;
}

/**
 * What one file operation stands for, for the events. `knownEtags` are versions that the service made, where it may
 * have forgotten that it did.
 * @source product contract, Monitoring
 */
export interface FileWork {
  variant: 'optimized' | 'baseline';
  /** How many requests it answers. */
  requests: number;
  /** Whether the file is new. */
  isNew: boolean;
  knownEtags?: readonly string[];
  /** The request that comes right after what the file holds did not go on from that. */
  isUnseen?: boolean;
  /** Of bytes that are at another path by now, so that the history need not have them. */
  movedEtag?: string;
  /** Its requests were answered long ago: no name that another program made since is in its way. */
  isAcknowledged?: boolean;
  /** When that request was answered, ms since the epoch; default now. */
  replacedAtMs?: number;
}

/**
 * Whether a request replaces what its sender had seen, so that the new version goes on from the old one: it named that in
 * `If-Match`, or it is an edit, which leaves all but what it names. With `If-Match: *`, which a merge carries too, an
 * edit goes over something that nobody looked at. A deletion goes on from nothing.
 * @source product contract, Promises 3
 */
export const goesOnFromCurrent = ({ change, conditions }: WriteRequest): boolean =>
  change.kind === 'edit' ? conditions.ifMatch !== '*' : change.kind === 'put' && namesCurrent(conditions);

/**
 * What the writes of a canvas are decided on.
 * @throws Problem CANVAS_NOT_FOUND, CANVAS_INVALID, CANVAS_TOO_LARGE when there is nothing that could be edited
 */
function editableBytes(current: CurrentCanvas): Buffer {
  if (current.kind === 'missing') throw canvasNotFound();
  if (current.kind === 'canvas') return current.bytes;
  throw current.etag === undefined ? canvasTooLarge(maxCanvasBytes + 1) : storedCanvasInvalid(current.etag);
}

/**
 * What is there once the request is carried out.
 * @param nowMs the date that the canvas will carry, ms since the epoch
 * @throws Problem when the request is refused: CANVAS_NOT_FOUND, PRECONDITION_FAILED, CANVAS_FILE_INVALID, or what an
 *   edit throws
 * @source RFC 9110 section 13.2.1 (a missing canvas is not found, whatever the preconditions of a DELETE)
 */
export function applyWrite(current: CurrentCanvas, request: WriteRequest, nowMs: number): CurrentCanvas {
  const { change, conditions } = request;
  if (change.kind !== 'put' && current.kind === 'missing') throw canvasNotFound();
  checkPreconditions(conditions, current);
  if (change.kind === 'delete') return { kind: 'missing' };
  const { bytes, etag } = change.kind === 'put' ? change : change.apply(editableBytes(current));
  if (current.kind === 'canvas' && current.etag === etag) return current;
  return { kind: 'canvas', bytes, etag, modifiedMs: nowMs, isDurable: false };
}

/**
 * How a request ended that found `before` and left `after`.
 * @source product contract, Canvases (201 new, 200 replaced)
 */
export function resultOf(before: CurrentCanvas, after: CurrentCanvas): WriteResult {
  if (after.kind !== 'canvas') return { outcome: 'deleted', etag: undefined, bytes: 0 };
  const { etag, bytes } = after;
  if (before.kind === 'missing') return { outcome: 'created', etag, bytes: bytes.length };
  return { outcome: after === before ? 'unchanged' : 'replaced', etag, bytes: bytes.length };
}
