import { canvasFaults, elementFaults } from '../document/canvas.js';
import { parseStoredJson } from '../document/json-text.js';
import { canvasInvalid } from '../errors.js';
import type { CanvasEdit } from './canvas-edit.js';
import { textInvalid } from './errors.js';

const maxFaults = 20;

/**
 * The bytes of an edited canvas, when what the edit touched is valid. Faults that the canvas had elsewhere before do
 * not stop an edit of one node or edge; an edit that reaches further has all of the canvas checked.
 * @param elementPointer where the one edited element stands in the request; in the canvas when missing
 * @throws Problem CANVAS_INVALID, with at most 20 faults
 * @source product contract, Canvases ("what a client writes must have unique ids, known node types ...")
 */
export function checkedBytes(edit: CanvasEdit, elementPointer?: string): Buffer {
  const { bytes, changed, touched, elements } = edit;
  if (!changed) return bytes;
  const faults = touched.whole
    ? wholeFaults(bytes)
    : elements.flatMap(({ kind, value, pointer }) => elementFaults(kind, value, elementPointer ?? pointer));
  if (faults.length > 0) throw canvasInvalid(faults.slice(0, maxFaults));
  return bytes;
}

function wholeFaults(bytes: Buffer) {
  const parsed = parseStoredJson(bytes);
  if (!parsed) throw textInvalid(0, 'a canvas');
  return canvasFaults(parsed.value);
}
