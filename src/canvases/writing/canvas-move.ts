import { canvasExists, canvasNotFound, canvasTooLarge, maxCanvasBytes } from '../errors.js';
import type { Journal } from '../journal/journal.js';
import type { VaultPath } from '../vault/vault-path.js';
import { type CurrentCanvas, checkPreconditions, type Preconditions } from './preconditions.js';
import type { CanvasFiles } from './write-request.js';

/**
 * A request to give a canvas another path; the preconditions are about the canvas as it is now.
 * @source product contract, Canvases (`POST /canvas/{path}/move`)
 */
export interface MoveRequest {
  readonly from: VaultPath;
  readonly to: VaultPath;
  readonly conditions: Preconditions;
}

/**
 * The files, as a move sees them. A canvas is never at neither path, and durably at the new one when the move is done;
 * after a crash in between, the journal ends the move.
 * @source product contract, Canvases (`POST /canvas/{path}/move`)
 */
export interface MovingFiles extends CanvasFiles {
  /** Lets a canvas be moved to a name that differs from its own only in case, until what it returns is called. */
  renaming(from: VaultPath, to: VaultPath): () => void;
  /** @throws Problem CANVAS_EXISTS, CANVAS_NAME_CLASH */
  move(from: VaultPath, to: VaultPath): Promise<void>;
}

/**
 * Carries a move out; nobody else may write either canvas meanwhile, and both files must be up to date. It is in the
 * journal before any file changes, so that a start after a crash ends it; only a file that is no JSON, whose bytes the
 * journal cannot have, is moved without.
 * @returns the moved canvas
 * @throws Problem CANVAS_NOT_FOUND, PRECONDITION_FAILED, CANVAS_FILE_INVALID, CANVAS_TOO_LARGE, CANVAS_EXISTS,
 *   CANVAS_NAME_CLASH
 * @source product contract, Settled details ("move takes it along")
 */
export async function moveCanvas(
  files: MovingFiles,
  journal: Pick<Journal, 'append' | 'checkpoint'>,
  { from, to, conditions }: MoveRequest,
): Promise<MovedCanvas> {
  const current = await files.current(from);
  if (current.kind === 'missing') throw canvasNotFound();
  checkPreconditions(conditions, current);
  if (current.etag === undefined) throw canvasTooLarge(maxCanvasBytes + 1);
  if ((await files.current(to)).kind !== 'missing') throw canvasExists();
  const renamed = files.renaming(from, to);
  try {
    return await carryOut(files, journal, from, to, { ...current, etag: current.etag });
  } finally {
    renamed();
  }
}

type MovableCanvas = Exclude<CurrentCanvas, { kind: 'missing' }> & { etag: string };

async function carryOut(
  files: MovingFiles,
  journal: Pick<Journal, 'append' | 'checkpoint'>,
  from: VaultPath,
  to: VaultPath,
  current: MovableCanvas,
): Promise<MovedCanvas> {
  const { etag } = current;
  if (current.kind === 'canvas') {
    const release = files.claimName(to);
    try {
      await journal.append({ kind: 'move', from: from.text, to: to.text, bytes: current.bytes, etag });
    } finally {
      release();
    }
  }
  try {
    await files.move(from, to);
  } finally {
    // Done or undone, both files are as they will stay.
    journal.checkpoint(to.text, etag);
    journal.checkpoint(from.text, null);
  }
  return { etag, state: current };
}

/** @source product contract, Canvases (`POST /canvas/{path}/move`) */
export interface MovedCanvas {
  etag: string;
  state: CurrentCanvas;
}
