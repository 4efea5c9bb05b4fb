import { expect } from 'vitest';
import { etagOf } from '../../../src/canvases/document/etag.js';
import {
  type CanvasChange,
  type Journal,
  openJournal,
  type RecoveredCanvas,
} from '../../../src/canvases/journal/journal.js';
import type { Draw, MemoryDisk } from './memory-files.js';

interface ModelVersion {
  bytes: Buffer | null;
  state: 'sent' | 'acked' | 'rejected';
}

/** Every version that one path was ever given, and which of them its file holds. */
interface ModelPath {
  versions: ModelVersion[];
  /** Versions up to this index are in the file, so they need not come back. */
  settled: number;
}

const names = ['a.canvas', 'b.canvas', 'c.canvas', '画布/四.canvas'];
const sameBytes = (a: Buffer | null, b: Buffer | null) => (a && b ? a.equals(b) : a === b);

/** What a journal was told and what it answered, to judge what it gives back after a crash. */
export class JournalModel {
  readonly paths = new Map<string, ModelPath>();
  readonly running: Promise<void>[] = [];
  #counter = 0;

  constructor(readonly draw: Draw) {}

  path(name: string): ModelPath {
    const path = this.paths.get(name) ?? { versions: [], settled: -1 };
    this.paths.set(name, path);
    return path;
  }

  #newest(name: string): ModelVersion | undefined {
    return this.path(name).versions.findLast(({ state }) => state !== 'rejected');
  }

  /** A small edit, an edit in two places, an earlier version again, or something new. */
  #nextBytes(name: string): Buffer {
    this.#counter += 1;
    const previous = this.#newest(name)?.bytes;
    const choice = this.draw(8);
    if (!previous || choice === 0) return Buffer.alloc(this.draw(3000), `${this.#counter} new, `);
    if (choice === 1) return this.path(name).versions.find(({ bytes }) => bytes)?.bytes ?? previous;
    const at = this.draw(previous.length + 1);
    const end = Math.min(previous.length, at + this.draw(20));
    const edited = Buffer.concat([previous.subarray(0, at), Buffer.from(`<${this.#counter}>`), previous.subarray(end)]);
    return choice === 2 ? Buffer.concat([Buffer.from('{'), edited, Buffer.from('}')]) : edited;
  }

  #append(journal: Journal, change: CanvasChange, versions: [string, Buffer | null][]): void {
    const sent = versions.map(([name, bytes]): ModelVersion => {
      const version: ModelVersion = { bytes, state: 'sent' };
      this.path(name).versions.push(version);
      return version;
    });
    const settle = (state: 'acked' | 'rejected') => {
      for (const version of sent) version.state = state;
    };
    this.running.push(
      journal.append(change).then(
        () => settle('acked'),
        () => settle('rejected'),
      ),
    );
  }

  step(journal: Journal): void {
    const name = names[this.draw(names.length)]!;
    const newest = this.#newest(name)?.bytes;
    const previousEtag = newest ? etagOf(newest) : undefined;
    const choice = this.draw(10);
    if (choice < 2) this.checkpoint(journal, name);
    else if (choice === 2) this.#append(journal, { kind: 'delete', path: name, previousEtag }, [[name, null]]);
    else if (choice === 3 && newest) this.#move(journal, name, newest);
    else {
      const bytes = this.#nextBytes(name);
      this.#append(journal, { kind: 'put', path: name, bytes, etag: etagOf(bytes), previousEtag }, [[name, bytes]]);
    }
  }

  #move(journal: Journal, from: string, bytes: Buffer): void {
    const to = names.find((name) => name !== from && !this.#newest(name)?.bytes);
    if (to === undefined) return;
    const change = { kind: 'move', from, to, bytes, etag: etagOf(bytes) } as const;
    this.#append(journal, change, [
      [to, bytes],
      [from, null],
    ]);
  }

  /** Writes an acknowledged version to the imagined file, mostly the newest, and says so. */
  checkpoint(journal: Journal, name: string): void {
    const path = this.path(name);
    const acked = path.versions.flatMap(({ state }, index) => (state === 'acked' ? index : []));
    const wanted = acked.at(this.draw(4) === 0 ? -2 : -1) ?? acked.at(-1);
    if (wanted === undefined || wanted < path.settled) return;
    const { bytes } = path.versions[wanted]!;
    const index = path.versions.findLastIndex((each) => each.state === 'acked' && sameBytes(each.bytes, bytes));
    path.settled = Math.max(path.settled, index);
    journal.checkpoint(name, bytes && etagOf(bytes));
  }

  /** Judges what came back. Everything it may be again becomes what the next session starts from. */
  judge(recovered: RecoveredCanvas[], rejectedMayReturn: boolean): void {
    expect(new Set(recovered.map(({ path }) => path)).size).toBe(recovered.length);
    for (const { path } of recovered) expect(this.paths.has(path)).toBe(true);
    for (const [name, path] of this.paths) {
      const found = recovered.find((canvas) => canvas.path === name);
      const lastAcked = path.versions.findLastIndex(({ state }) => state === 'acked');
      if (!found) {
        expect(path.settled, `${name}: acknowledged, not in its file, and gone`).toBeGreaterThanOrEqual(lastAcked);
        continue;
      }
      const bytes = found.kind === 'put' ? found.bytes : null;
      if (found.kind === 'put') expect(etagOf(found.bytes)).toBe(found.etag);
      const index = path.versions.findLastIndex((version) => sameBytes(version.bytes, bytes));
      expect(index, `${name}: never given, or older than acknowledged`).toBeGreaterThanOrEqual(Math.max(0, lastAcked));
      if (!rejectedMayReturn) {
        const isFair = path.versions.some(
          (version, at) => at >= lastAcked && version.state !== 'rejected' && sameBytes(version.bytes, bytes),
        );
        expect(isFair, `${name}: a rejected version came back`).toBe(true);
      }
    }
  }

  /** Between the last version known to be in the file and the one found, all that was acknowledged is known as ours. */
  judgeKnownEtags(recovered: RecoveredCanvas[]): void {
    for (const found of recovered) {
      const { versions, settled } = this.path(found.path);
      const bytes = found.kind === 'put' ? found.bytes : null;
      const index = versions.findLastIndex((version) => sameBytes(version.bytes, bytes));
      const wanted = versions.slice(Math.max(settled, 0), index + 1).filter(({ state }) => state === 'acked');
      for (const version of wanted) if (version.bytes) expect(found.knownEtags).toContain(etagOf(version.bytes));
    }
  }

  /** The next session knows of each path what came back, and nothing else. */
  restart(recovered: RecoveredCanvas[]): void {
    for (const path of this.paths.values()) {
      path.versions = path.versions.filter(({ state }, index) => state === 'acked' && index <= path.settled).slice(-1);
      path.settled = path.versions.length - 1;
    }
    for (const canvas of recovered) {
      const bytes = canvas.kind === 'put' ? canvas.bytes : null;
      this.path(canvas.path).versions.push({ bytes, state: 'acked' });
    }
    this.running.length = 0;
  }
}

/** Small limits, so that a short run rotates, forgets versions and writes ahead. */
export const smallJournal = (disk: MemoryDisk) =>
  openJournal({
    folder: 'unused',
    etagOf,
    files: disk.journalFiles,
    maxSegmentBytes: 6_000,
    maxVersionBytes: 5_000,
    preallocateBytes: 1024,
  });

/** Gives the journal `steps` changes, some one by one, some together, until the disk is gone or all are done. */
export async function runSession(model: JournalModel, journal: Journal, steps: number): Promise<void> {
  for (let step = 0; step < steps; step += 1) {
    model.step(journal);
    const choice = model.draw(6);
    if (choice === 0) await Promise.all(model.running);
    else if (choice < 3) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(model.running);
}
