/**
 * Memory for the largest column of one batch after the other: megabytes that are new for each batch would have to be
 * cleared by the system, and found to be of no use by the collector, ten times a second.
 * @source Linux kernel documentation, "Page fault" (memory is cleared when it is first written to)
 */
export class ColumnMemory {
  private memory: Buffer = Buffer.alloc(0);

  /** @returns so many bytes, of any content; those taken before are written over */
  take(bytes: number): Buffer {
    if (bytes > this.memory.length) this.memory = Buffer.allocUnsafeSlow(Math.ceil(bytes * roomToGrow));
    return this.memory.subarray(0, bytes);
  }
}

const roomToGrow = 1.1;
