import { type JournalFiles, nodeJournalFiles, type SegmentFile } from '../../../src/canvases/journal/journal-files.js';

/** Real files whose syncs are counted, and whose next calls can be made to fail with a system's code. */
export class CountingFiles {
  syncs = 0;
  bytes = 0;
  failures: { call: 'write' | 'datasync' | 'create'; code: string }[] = [];
  readonly files: JournalFiles;

  constructor(folder: string) {
    const real = nodeJournalFiles(folder);
    this.files = {
      ...real,
      create: async (segment) => {
        this.#fail('create');
        return this.#counted(await real.create(segment));
      },
    };
  }

  #fail(call: 'write' | 'datasync' | 'create'): void {
    if (this.failures[0]?.call !== call) return;
    const { code } = this.failures.shift()!;
    throw Object.assign(new Error(code), { code });
  }

  #counted(file: SegmentFile): SegmentFile {
    return {
      ...file,
      write: async (buffers, position) => {
        this.#fail('write');
        const written = await file.write(buffers, position);
        this.bytes += written;
        return written;
      },
      datasync: async () => {
        this.#fail('datasync');
        await file.datasync();
        this.syncs += 1;
      },
    };
  }
}
