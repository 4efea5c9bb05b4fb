/**
 * Keeps the editor of a canvas that is being edited, so that a burst of edits reads the canvas once: the first edit
 * looks for its element alone, the second opens an editor, those that follow find it. An editor belongs to one very
 * buffer, the newest version; whoever edits another one, because the last was refused or another program wrote, starts
 * anew. Bounded by bytes; what is dropped only costs a reading.
 */
import { LRUCache } from 'lru-cache';
import { applyElementEdits, CanvasEditor, type ElementEdit } from './canvas-editor.js';
import { checkedBytes } from './checked-edit.js';
import { patchTooLong } from './errors.js';
import { maxOperations } from './patch/patch-operations.js';

const maxHeldBytes = 48 * 1024 * 1024;

/** After so many edits an editor is given up: it still knows what all of them had changed. */
const maxEdits = 1000;

interface KeptEditor {
  editor: CanvasEditor;
  edits: number;
}

/**
 * Applies edits of single nodes and edges.
 * @source product contract, Canvases ("bursts coalesce into one file write"); Promises 6
 */
export class RecentEditors {
  /** By the version that they gave last. */
  readonly #editors: LRUCache<Buffer, KeptEditor>;
  /** Versions that an edit has just made: another edit may follow. */
  readonly #edited = new WeakSet<Buffer>();

  constructor(maxBytes = maxHeldBytes) {
    this.#editors = new LRUCache({ maxSize: maxBytes, sizeCalculation: ({ editor }) => editor.heldBytes });
  }

  /** Bytes that are held on to. */
  get heldBytes(): number {
    return this.#editors.calculatedSize;
  }

  /**
   * @param current the canvas as it is; nobody may alter it
   * @param elementPointer where the element stands in the request, for messages; in the canvas when missing
   * @returns the edited canvas, whose touched parts are valid; `current` itself when nothing changed
   * @throws Problem as {@link CanvasEditor.apply} and {@link checkedBytes} do
   */
  apply(current: Buffer, edit: ElementEdit, elementPointer?: string): Buffer {
    const kept = this.#take(current);
    if (!kept) {
      const bytes = checkedBytes(applyElementEdits(current, [edit]), elementPointer);
      this.#edited.add(bytes);
      return bytes;
    }
    const { editor } = kept;
    try {
      editor.apply(edit);
    } catch (error) {
      this.#editors.set(current, kept);
      throw error;
    }
    return this.#keep(kept, 1, elementPointer);
  }

  /**
   * Several edits as one: all of them or none. They open an editor in any case, so it is kept from the first time on.
   * @returns as {@link RecentEditors.apply}
   * @throws Problem of the first edit that fails, as {@link CanvasEditor.apply} and {@link checkedBytes} do;
   *   CANVAS_PATCH_TOO_LONG past 10,000
   */
  applyAll(current: Buffer, edits: readonly ElementEdit[]): Buffer {
    if (edits.length > maxOperations) throw patchTooLong(edits.length, maxOperations);
    const kept = this.#take(current) ?? { editor: new CanvasEditor(current), edits: 0 };
    // One that fails takes the editor along, which holds those before it.
    for (const edit of edits) kept.editor.apply(edit);
    return this.#keep(kept, edits.length);
  }

  #keep(kept: KeptEditor, edits: number, elementPointer?: string): Buffer {
    const bytes = checkedBytes(kept.editor.result(), elementPointer);
    kept.editor.continueFrom(bytes);
    kept.edits += edits;
    if (kept.edits < maxEdits) this.#editors.set(bytes, kept);
    return bytes;
  }

  #take(current: Buffer): KeptEditor | undefined {
    const kept = this.#editors.get(current);
    if (kept) this.#editors.delete(current);
    if (kept || !this.#edited.has(current)) return kept;
    try {
      return { editor: new CanvasEditor(current), edits: 0 };
    } catch {
      // What cannot be read as a whole may still be edited in one place.
      return undefined;
    }
  }
}
