import type { JournalFiles, SegmentFile } from '../../../src/canvases/journal/journal-files.js';

interface MemoryFile {
  /** What a process reads. */
  cached: Buffer;
  /** What a power cut leaves for sure. */
  synced: Buffer;
}

/** Draws numbers from [0, bound). */
export type Draw = (bound: number) => number;

/** Numbers that look random and are the same for the same seed. */
export function drawFrom(seed: number): Draw {
  let state = seed >>> 0;
  return (bound) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return Math.floor((((state ^ (state >>> 13)) >>> 0) / 2 ** 32) * bound);
  };
}

const systemError = (code: string) => Object.assign(new Error(code), { code });
const sectorBytes = 512;

/**
 * A disk that can be cut off at any byte, and tells what a killed process or a power cut leaves of it. Each byte
 * written and each other call uses up one unit of `unitsLeft`; then the call under way is done in part, and all fail.
 */
export class MemoryDisk {
  unitsLeft = Number.POSITIVE_INFINITY;
  /** Asked before each call; a code makes the call fail, `short` makes a write take only a part. */
  fault: (call: string) => string | undefined = () => undefined;
  calls: string[] = [];
  files = new Map<number, MemoryFile>();
  namesOnDisk = new Map<number, MemoryFile>();

  get usedUnits(): number {
    return this.#usedUnits;
  }
  #usedUnits = 0;

  /** What the next start finds: after a kill all that was written, after a power cut the synced and some of the rest. */
  afterCrash(kind: 'kill' | 'power', draw: Draw): MemoryDisk {
    const next = new MemoryDisk();
    const found = new Map(this.files);
    if (kind === 'power') {
      for (const number of new Set([...this.files.keys(), ...this.namesOnDisk.keys()])) {
        const source = draw(2) === 0 ? this.files : this.namesOnDisk;
        const file = source.get(number);
        if (file) found.set(number, file);
        else found.delete(number);
      }
    }
    for (const [number, file] of found) {
      const bytes = kind === 'kill' ? Buffer.from(file.cached) : survivingPower(file, draw);
      next.files.set(number, { cached: bytes, synced: Buffer.from(bytes) });
    }
    next.namesOnDisk = new Map(next.files);
    return next;
  }

  #use(call: string, wanted = 1): number {
    this.calls.push(call);
    const units = Math.min(wanted, this.unitsLeft);
    this.unitsLeft -= units;
    this.#usedUnits += units;
    return units;
  }

  #call(call: string, work: () => void): void {
    const code = this.#use(call) === 0 ? 'EIO' : this.fault(call);
    if (code) throw systemError(code);
    work();
  }

  #at(number: number): MemoryFile {
    const file = this.files.get(number);
    if (!file) throw systemError('ENOENT');
    return file;
  }

  #write(file: MemoryFile, buffers: Buffer[], position: number): number {
    const bytes = Buffer.concat(buffers);
    const code = this.fault('write');
    const half = Math.ceil(bytes.length / 2);
    const wanted = code === undefined ? bytes.length : half;
    const taken = this.#use('write', wanted);
    const end = position + taken;
    if (end > file.cached.length) file.cached = Buffer.concat([file.cached, Buffer.alloc(end - file.cached.length)]);
    bytes.copy(file.cached, position, 0, taken);
    if (taken < wanted || (code !== undefined && code !== 'short')) throw systemError(code ?? 'EIO');
    return taken;
  }

  readonly journalFiles: JournalFiles = {
    prepare: async () => {},
    list: async () => [...this.files.keys()].sort((a, b) => a - b),
    read: async (number) => Buffer.from(this.#at(number).cached),
    create: async (number) => {
      const file: MemoryFile = { cached: Buffer.alloc(0), synced: Buffer.alloc(0) };
      this.#call('create', () => this.files.set(number, file));
      return this.#open(file);
    },
    truncate: async (number, length) => this.#call('truncate', () => cut(this.#at(number), length)),
    remove: async (number) => this.#call('remove', () => void this.files.delete(number)),
    syncFolder: async () =>
      this.#call('syncFolder', () => {
        this.namesOnDisk = new Map(this.files);
      }),
  };

  #open(file: MemoryFile): SegmentFile {
    return {
      write: async (buffers, position) => this.#write(file, buffers, position),
      datasync: async () =>
        this.#call('datasync', () => {
          file.synced = Buffer.from(file.cached);
        }),
      truncate: async (length) => this.#call('truncate', () => cut(file, length)),
      close: async () => {},
    };
  }
}

function cut(file: MemoryFile, length: number): void {
  file.cached = Buffer.from(file.cached.subarray(0, length));
}

function survivingPower(file: MemoryFile, draw: Draw): Buffer {
  const longest = Math.max(file.cached.length, file.synced.length);
  const shortest = Math.min(file.cached.length, file.synced.length);
  const bytes = Buffer.alloc(longest);
  file.synced.copy(bytes);
  for (let start = 0; start < longest; start += sectorBytes) {
    if (draw(2) === 0 && start < file.cached.length) file.cached.copy(bytes, start, start, start + sectorBytes);
  }
  return bytes.subarray(0, shortest + draw(longest - shortest + 1));
}
