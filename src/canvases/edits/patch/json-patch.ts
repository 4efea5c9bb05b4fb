import { type CanvasEdit, canvasEdit } from '../canvas-edit.js';
import { patchMalformed, patchPathUnknown, patchTestFailed, shown } from '../errors.js';
import type { JsonChild } from '../json/json-child.js';
import type { JsonContainer } from '../json/json-container.js';
import { JsonDocument, type PlacedText } from '../json/json-document.js';
import { sameJson } from '../json/json-equality.js';
import { arrayIndex } from './json-pointer.js';
import { type PatchOperation, readOperations } from './patch-operations.js';

interface Place {
  /** Undefined at the root. */
  container: JsonContainer | undefined;
  /** Undefined where nothing stands yet. */
  child: JsonChild | undefined;
  index: number;
  key: string | undefined;
}

/** One patch being applied to one document. */
class PatchRun {
  constructor(
    readonly document: JsonDocument,
    readonly number: number,
  ) {}

  #unknown(field: 'path' | 'from', path: readonly string[], why: string): Error {
    const at = shown(path.length === 0 ? '' : `/${path.join('/')}`);
    return patchPathUnknown(
      `Operation ${this.number}: expected ${field} ${at} to be a place of the canvas, but ${why}`,
      `/${this.number}/${field}`,
    );
  }

  #place(field: 'path' | 'from', path: readonly string[]): Place {
    const { document } = this;
    let place: Place = { container: undefined, child: document.root, index: 0, key: undefined };
    path.forEach((token, depth) => {
      const container = place.child && document.open(place.child, depth);
      if (!container) throw this.#unknown(field, path, `there is no array or object to find ${shown(token)} in`);
      if (!container.isArray) {
        place = { container, child: container.get(token), index: container.children().length, key: token };
      } else {
        const { length } = container.children();
        const index = token === '-' ? length : arrayIndex(token);
        if (index < 0 || index > length)
          throw this.#unknown(field, path, `${shown(token)} is no index of an array with ${length} elements`);
        place = { container, child: container.children()[index], index, key: undefined };
      }
    });
    return place;
  }

  #found(field: 'path' | 'from', path: readonly string[]): Place & { child: JsonChild } {
    const { child, ...place } = this.#place(field, path);
    if (!child) throw this.#unknown(field, path, 'nothing is there');
    return { ...place, child };
  }

  #add(path: readonly string[], value: PlacedText): void {
    const { container, child, index, key } = this.#place('path', path);
    if (container && (container.isArray || !child))
      this.document.insert(container, container.isArray ? index : undefined, key, value);
    else if (child) this.document.replace(container, child, value);
  }

  #remove(place: Place & { child: JsonChild }): void {
    if (!place.container)
      throw patchMalformed('Expected a path to a part of the canvas, got all of it', `/${this.number}/path`);
    if (!place.container.isArray) place.container.remove(place.child);
    else {
      this.document.work.spend((place.container.size - place.index) / 2);
      place.container.removeAt(place.index);
    }
  }

  apply(operation: PatchOperation): void {
    const { document } = this;
    const { path } = operation;
    switch (operation.op) {
      case 'add':
        this.#add(path, { text: operation.value, depth: -1 });
        return;
      case 'remove':
        this.#remove(this.#found('path', path));
        return;
      case 'replace': {
        const { container, child } = this.#found('path', path);
        document.replace(container, child, { text: operation.value, depth: -1 });
        return;
      }
      case 'copy':
      case 'move': {
        const from = this.#found('from', operation.from);
        const isSame = operation.from.length === path.length && operation.from.every((token, i) => token === path[i]);
        if (operation.op === 'move' && isSame) return;
        const text = document.textOf(from.child);
        // A rendered value stays rendered: copying it again costs nothing.
        if (from.child.opened) from.child.replace(text);
        if (operation.op === 'move') this.#remove(from);
        this.#add(path, { text, depth: operation.from.length });
        return;
      }
      case 'test': {
        const text = document.textOf(this.#found('path', path).child);
        document.work.spend(text.end - text.start + operation.value.end - operation.value.start);
        if (!sameJson(text, operation.value))
          throw patchTestFailed(
            `Operation ${this.number}: expected another value at ${shown(`/${path.join('/')}`)}`,
            `/${this.number}`,
          );
      }
    }
  }
}

/**
 * Applies a JSON Patch to the text of a canvas, all of it or nothing. Only touched values are written anew; what is
 * moved or copied keeps the spelling of its numbers and strings.
 * @param patch the body's bytes (numbers keep their spelling), or a parsed value
 * @throws Problem CANVAS_PATCH_MALFORMED, CANVAS_PATCH_TOO_LONG, CANVAS_PATCH_PATH_UNKNOWN, CANVAS_PATCH_TEST_FAILED,
 *   CANVAS_PATCH_TOO_COSTLY, CANVAS_EDIT_TOO_LARGE, CANVAS_INVALID (the canvas is no JSON)
 * @source RFC 6902; product contract, Canvases (PATCH)
 */
export function applyJsonPatch(bytes: Buffer, patch: unknown): CanvasEdit {
  const operations = readOperations(patch);
  const eager = new Set(operations.flatMap(({ path }) => (path.length > 1 ? path.slice(0, 1) : [])));
  const document = new JsonDocument(bytes, { eager });
  operations.forEach((operation, number) => {
    new PatchRun(document, number).apply(operation);
  });
  return canvasEdit(document);
}
