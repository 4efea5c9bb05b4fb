import { canvasInvalid } from '../errors.js';
import { canvasFaults } from './canvas.js';
import { isStoredJson, parseStoredJson } from './json-text.js';
import { isKnownValid } from './valid-canvases.js';

/**
 * How the bytes of a canvas are checked, taken in and sent. Whichever way, the bytes stay as they are.
 * @source product contract, `fast_json`
 */
export interface JsonBytes {
  /** Whether stored bytes are JSON. */
  isJson(bytes: Buffer, etag: string): boolean;
  /** The bytes to store for a canvas that a client sent and that was found valid. */
  accept(bytes: Buffer, etag: string): Buffer;
  /**
   * The bytes to store for a canvas that an edit made, whose touched parts were found valid.
   * @throws Problem CANVAS_INVALID when all of it was taken for valid, and is not
   */
  acceptEdit(bytes: Buffer, etag: string): Buffer;
  /** The bytes to send for a stored canvas. */
  encode(bytes: Buffer): Buffer;
}

/** The white space that a text is indented with, as `JSON.stringify` takes it. */
function indentationOf(text: string): string {
  return /^\s*[{[]\r?\n([\t ]+)/.exec(text)?.[1] ?? '';
}

/**
 * The original way: parse and write out again on each request. What cannot be written exactly as it was (key order
 * is kept, but not number spelling or unusual spacing) is sent as it is stored, so the answers are the same.
 * @source story-17.4 AC1 (before: standard JSON on each request)
 */
export class ParsedJson implements JsonBytes {
  isJson(bytes: Buffer): boolean {
    return isStoredJson(bytes);
  }

  accept(bytes: Buffer): Buffer {
    return this.encode(bytes);
  }

  /** The whole canvas is parsed, checked and written out for each edit of it. */
  acceptEdit(bytes: Buffer): Buffer {
    const parsed = parseStoredJson(bytes);
    if (parsed === undefined) return bytes;
    const faults = canvasFaults(parsed.value);
    if (faults.length > 0 && isKnownValid(bytes)) throw canvasInvalid(faults);
    return this.#written(parsed.value, bytes);
  }

  encode(bytes: Buffer): Buffer {
    const parsed = parseStoredJson(bytes);
    return parsed === undefined ? bytes : this.#written(parsed.value, bytes);
  }

  /** Writes a value out as its bytes are laid out; gives those back where that cannot be done exactly. */
  #written(value: unknown, bytes: Buffer): Buffer {
    try {
      const indentation = indentationOf(bytes.subarray(0, 64).toString('utf8'));
      const written = Buffer.from(JSON.stringify(value, null, indentation));
      return written.equals(bytes) ? written : bytes;
    } catch {
      return bytes;
    }
  }
}
