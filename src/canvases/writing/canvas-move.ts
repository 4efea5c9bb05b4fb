import { canvasExists, canvasNotFound, canvasTooLarge, maxCanvasBytes } from '../errors.js';
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
 * a crash in between may leave it at both.
 * @source product contract, Canvases (`POST /canvas/{path}/move`)
 */
export interface MovingFiles extends CanvasFiles {
  /** @throws Problem CANVAS_EXISTS, CANVAS_NAME_CLASH */
  move(from: VaultPath, to: VaultPath): Promise<void>;
}

/**
 * Carries a move out; nobody else may write either canvas meanwhile, and both files must be up to date.
 * @returns the moved canvas
 * @throws Problem CANVAS_NOT_FOUND, PRECONDITION_FAILED, CANVAS_FILE_INVALID, CANVAS_TOO_LARGE, CANVAS_EXISTS,
 *   CANVAS_NAME_CLASH
 * @source product contract, Settled details ("move takes it along")
 */
export async function moveCanvas(files: MovingFiles, { from, to, conditions }: MoveRequest): Promise<MovedCanvas> {
  const current = await files.current(from);
  if (current.kind === 'missing') throw canvasNotFound();
  checkPreconditions(conditions, current);
  if (current.etag === undefined) throw canvasTooLarge(maxCanvasBytes + 1);
  if ((await files.current(to)).kind !== 'missing') throw canvasExists();
  await files.move(from, to);
  return { etag: current.etag, state: current };
}

/** @source product contract, Canvases (`POST /canvas/{path}/move`) */
export interface MovedCanvas {
  etag: string;
  state: CurrentCanvas;
}
