/**
 * Which canvases have acknowledged changes that may not have reached their file. The running journal and the replay
 * both go through here, so that what is carried in memory and what is read back follow the same rules.
 */

/**
 * A version of a canvas by its ETag; '' stands for "deleted". `sequence` is that of the change that made it, or, where
 * another change only names it as what it replaces, one below that change's: it is older than that, no more is known.
 * @source product contract, Promises 3
 */
export interface KnownVersion {
  etag: string;
  sequence: number;
}

/**
 * The newest acknowledged state of one canvas. `content` is undefined once it is deleted (`etag` is '' then).
 * `earlier` lists versions that its file may still hold, oldest first; `movedFrom` the paths it came from.
 * @source product contract, Promises 1 and 3
 */
export interface PendingCanvas<Content> extends KnownVersion {
  path: string;
  content: Content | undefined;
  earlier: KnownVersion[];
  movedFrom: string[];
}

/**
 * A version that was acknowledged and then replaced, before any file had it, by somebody who had not seen it. It waits
 * here until the history has it. `replacedAtMs`: when that was, ms since the epoch; undefined when it was read back.
 * @source product contract, Promises 3
 */
export interface OverwrittenVersion<Content> extends KnownVersion {
  content: Content;
  replacedAtMs: number | undefined;
}

/** Versions of one canvas that are remembered while its file cannot be written: the oldest, and the newest others. */
const maxEarlier = 256;

/** Cuts the list in place, and only when it has doubled, so that a version more costs next to nothing. */
function bound(versions: KnownVersion[]): void {
  if (versions.length > 2 * maxEarlier) versions.splice(1, versions.length - maxEarlier);
}

/**
 * @source product contract, Promises 1 (start replays what had not reached its file)
 */
export class PendingCanvases<Content> {
  readonly #canvases = new Map<string, PendingCanvas<Content>>();
  /** Oldest first. */
  readonly #overwritten = new Map<string, OverwrittenVersion<Content>[]>();
  readonly #sizeOf: (content: Content) => number;
  #overwrittenBytes = 0;

  /** @param sizeOf the bytes that some content takes in memory */
  constructor(sizeOf: (content: Content) => number = () => 0) {
    this.#sizeOf = sizeOf;
  }

  get size(): number {
    return this.#canvases.size;
  }

  get(path: string): PendingCanvas<Content> | undefined {
    return this.#canvases.get(path);
  }

  values(): Iterable<PendingCanvas<Content>> {
    return this.#canvases.values();
  }

  /** The overwritten versions of each canvas that has some, oldest first. */
  get overwritten(): ReadonlyMap<string, readonly OverwrittenVersion<Content>[]> {
    return this.#overwritten;
  }

  /** What all of them take in memory. */
  get overwrittenBytes(): number {
    return this.#overwrittenBytes;
  }

  /** Call it before the change that overwrites what is pending; what has reached its file is not pending any more. */
  keepNewest(path: string, replacedAtMs: number | undefined): void {
    const newest = this.#canvases.get(path);
    if (newest?.content === undefined) return;
    const { etag, sequence, content } = newest;
    this.keep(path, { etag, sequence, content, replacedAtMs });
  }

  keep(path: string, version: OverwrittenVersion<Content>): void {
    const versions = this.#overwritten.get(path);
    if (versions && versions.at(-1)!.sequence >= version.sequence) return;
    this.#overwrittenBytes += this.#sizeOf(version.content);
    if (versions) versions.push(version);
    else this.#overwritten.set(path, [version]);
  }

  /** The history has those that were made up to `sequence`. */
  archived(path: string, sequence: number): void {
    const left: OverwrittenVersion<Content>[] = [];
    for (const version of this.#overwritten.get(path) ?? []) {
      if (version.sequence > sequence) left.push(version);
      else this.#overwrittenBytes -= this.#sizeOf(version.content);
    }
    if (left.length > 0) this.#overwritten.set(path, left);
    else this.#overwritten.delete(path);
  }

  /** Takes a newer state of one canvas, for its own; what was known of it before is kept as `earlier`. */
  change(next: PendingCanvas<Content>): void {
    const current = this.#canvases.get(next.path);
    if (!current) {
      this.#canvases.set(next.path, next);
      return;
    }
    if (current.sequence >= next.sequence) return;
    const { earlier } = current;
    earlier.push({ etag: current.etag, sequence: current.sequence });
    for (const named of next.earlier) {
      if (!earlier.findLast(({ etag }) => etag === named.etag)) earlier.unshift(named);
    }
    bound(earlier);
    current.movedFrom.push(...next.movedFrom);
    current.content = next.content;
    current.etag = next.etag;
    current.sequence = next.sequence;
  }

  /** The canvas at `from` goes on at `moved.path`, with the paths it came from; `from` is deleted. */
  move(from: string, moved: PendingCanvas<Content>): void {
    const source = this.#canvases.get(from);
    this.change({ ...moved, movedFrom: [...(source?.movedFrom ?? []), from] });
    const gone = { path: from, content: undefined, etag: '', sequence: moved.sequence };
    this.change({ ...gone, earlier: [{ etag: moved.etag, sequence: moved.sequence - 1 }], movedFrom: [] });
    const overwritten = [...(this.#overwritten.get(from) ?? []), ...(this.#overwritten.get(moved.path) ?? [])];
    this.#overwritten.delete(from);
    if (overwritten.length === 0) return;
    overwritten.sort((a, b) => a.sequence - b.sequence);
    this.#overwritten.set(moved.path, overwritten);
  }

  /** @returns the newest acknowledged version that has this ETag */
  versionWith(path: string, etag: string): KnownVersion | undefined {
    const canvas = this.#canvases.get(path);
    if (!canvas || canvas.etag === etag) return canvas;
    return canvas.earlier.findLast((known) => known.etag === etag);
  }

  /** The file holds, durably, what the canvas was at `sequence`: that and everything before needs no replay. */
  settle(path: string, sequence: number): void {
    const canvas = this.#canvases.get(path);
    if (!canvas) return;
    if (canvas.sequence <= sequence) {
      this.#canvases.delete(path);
      return;
    }
    canvas.earlier = canvas.earlier.filter((known) => known.sequence >= sequence);
    canvas.movedFrom = [];
  }
}
