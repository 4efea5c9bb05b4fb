import type { WriteRequest, WriteResult } from './write-request.js';

/**
 * One write on its way: answered or refused, once.
 * @source product contract, `batch_writer`
 */
export class PendingWrite {
  readonly request: WriteRequest;
  readonly done: Promise<WriteResult>;
  resolve!: (result: WriteResult) => void;
  reject!: (error: unknown) => void;

  constructor(request: WriteRequest) {
    this.request = request;
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}
