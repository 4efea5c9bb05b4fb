import type { KeyedOrder } from '../history/keyed-order.js';
import type { Limit } from '../limit.js';
import type { UnwrittenCanvases } from './unwritten-canvases.js';
import {
  applyWrite,
  type CanvasFiles,
  type CanvasWriter,
  goesOnFromCurrent,
  type OnStored,
  resultOf,
  type WriteRequest,
  type WriteResult,
} from './write-request.js';

/**
 * What the original writer needs: the order that all writers share, and what was acknowledged by the other one and is
 * to reach its file first.
 * @source story-17.4 AC2
 */
export interface ImmediateWriterOptions {
  files: CanvasFiles;
  order: KeyedOrder;
  limit: Limit;
  unwritten: Pick<UnwrittenCanvases, 'drain'>;
  onStored: OnStored;
}

/**
 * The original way: each request is its own durable, atomic file write, in the order in which they came.
 * @source story-17.4 AC2 (before: a file write per request)
 */
export class ImmediateWriter implements CanvasWriter {
  readonly #options: ImmediateWriterOptions;

  constructor(options: ImmediateWriterOptions) {
    this.#options = options;
  }

  write(request: WriteRequest): Promise<WriteResult> {
    const { order, limit } = this.#options;
    return order.run([request.path.text], async () => {
      await this.#options.unwritten.drain(request.path.text);
      return limit.run(() => this.#write(request));
    });
  }

  async #write(request: WriteRequest): Promise<WriteResult> {
    const { files, onStored } = this.#options;
    const { path } = request;
    const before = await files.current(path);
    const after = applyWrite(before, request, 0);
    const isUnseen = !goesOnFromCurrent(request);
    const work = { variant: 'baseline', requests: 1, isNew: before.kind === 'missing', isUnseen } as const;
    if (after.kind === 'canvas') await files.replace(path, after, work);
    else await files.remove(path, work);
    if (after !== before) onStored(path.text, before, after);
    return resultOf(before, after);
  }
}
