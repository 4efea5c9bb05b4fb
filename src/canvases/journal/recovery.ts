import { PieceList } from './difference.js';
import type { JournalFiles } from './journal-files.js';
import { type PendingCanvas, PendingCanvases } from './pending-canvases.js';
import { type FoundRecord, readContent } from './record.js';
import { type JournalDamage, readSegment, type SegmentBytes, visitRecords } from './segment-reading.js';

/** A version of a canvas as records describe it. A difference has a `previous` one to build on. */
interface Version {
  previous: Version | undefined;
  source: SegmentBytes;
  offset: number;
  content: NonNullable<FoundRecord['content']>;
  etag: string;
  sequence: number;
}

interface GoodVersion {
  version: Version;
  bytes: Buffer;
}

type EtagOf = (bytes: Buffer) => string;

/**
 * What the segments of a folder say. `pending` holds what may not have reached its file, bytes verified.
 * @source product contract, Promises 1
 */
export interface Recovery {
  pending: PendingCanvases<Buffer>;
  /** What the files were last said to hold. */
  written: { path: string; bytes: Buffer; etag: string }[];
  damage: JournalDamage[];
  segments: number[];
  lastSequence: number;
  bytesRead: number;
}

/** The version of a canvas that was made at `sequence`; undefined when that was its deletion, or is not known here. */
function versionAt(newest: Version | undefined, sequence: number): Version | undefined {
  let version = newest;
  while (version && version.sequence > sequence) version = version.previous;
  return version?.sequence === sequence ? version : undefined;
}

/** Applies the records of one segment. A difference that has nothing to build on ends it, as damage. */
function replay(
  source: SegmentBytes,
  pending: PendingCanvases<Version>,
  written: Map<string, Version>,
): JournalDamage | undefined {
  const newest = new Map<string, Version>();
  return visitRecords(source, (record, offset) => {
    const { kind, path, sequence, etag, earlier, movedFrom, content } = record;
    if (kind === 'checkpoint') {
      const version = pending.get(path)?.sequence === sequence ? pending.get(path)?.content : undefined;
      const found = version ?? versionAt(newest.get(path), sequence);
      if (found) written.set(path, found);
      else written.delete(path);
      pending.settle(path, sequence);
    }
    if (kind === 'archived') pending.archived(path, sequence);
    if (kind === 'delete') pending.change({ path, sequence, etag, earlier, movedFrom, content: undefined });
    if (!content) return true;
    const from = kind === 'move' ? movedFrom.at(-1) : undefined;
    const previous = newest.get(from ?? path);
    if (!previous && content.isDifference) return false;
    if (previous && content.isDifference) earlier.push({ etag: previous.etag, sequence: sequence - 1 });
    const version = { previous, source, offset, content, etag, sequence };
    newest.set(path, version);
    if (kind === 'kept') {
      pending.keep(path, { etag, sequence, content: version, replacedAtMs: undefined });
      return true;
    }
    if (record.keepsReplaced) pending.keepNewest(path, undefined);
    const state = { path, sequence, etag, earlier, movedFrom, content: version };
    if (from === undefined) pending.change(state);
    else pending.move(from, state);
    return true;
  });
}

/** The versions from the last whole one on. */
function chainOf(last: Version): Version[] {
  const chain = [last];
  for (let version = last; version.content.isDifference && version.previous; version = version.previous) {
    chain.push(version.previous);
  }
  return chain.reverse();
}

/** Puts versions together, each chain of differences once. Those whose bytes are not what they promise are left out. */
function bytesOfAll(wanted: Set<Version>, etagOf: EtagOf): Map<Version, Buffer> {
  const found = new Map<Version, Buffer>();
  const left = new Set(wanted);
  for (const last of [...wanted].reverse()) {
    if (!left.has(last)) continue;
    let pieces: PieceList | undefined;
    for (const version of chainOf(last)) {
      const content = readContent(version.source.bytes, version.content);
      if ('whole' in content) pieces = new PieceList(content.whole);
      else if (!pieces?.apply(content)) break;
      if (!left.delete(version)) continue;
      const bytes = pieces.bytes();
      if (etagOf(bytes) === version.etag) found.set(version, bytes);
    }
    left.delete(last);
  }
  return found;
}

/** Puts versions together, first to last, and returns the last wanted one whose bytes are those it promises. */
function lastGood(chain: Version[], wanted: (version: Version) => boolean, etagOf: EtagOf): GoodVersion | undefined {
  let found: GoodVersion | undefined;
  let pieces: PieceList | undefined;
  for (const version of chain) {
    const content = readContent(version.source.bytes, version.content);
    if ('whole' in content) pieces = new PieceList(content.whole);
    else if (!pieces?.apply(content)) break;
    if (!wanted(version)) continue;
    const bytes = pieces.bytes();
    if (etagOf(bytes) === version.etag) found = { version, bytes };
  }
  return found;
}

/** Only the newest version is put together in full, unless its bytes turn out wrong. */
function newestGood(last: Version, etagOf: EtagOf): GoodVersion | undefined {
  let found = lastGood(chainOf(last), (version) => version === last, etagOf);
  for (let end: Version | undefined = last; end && !found; ) {
    const chain = chainOf(end);
    found = lastGood(chain, () => true, etagOf);
    end = chain[0]?.previous;
  }
  return found;
}

function verified(
  canvas: PendingCanvas<Version>,
  etagOf: EtagOf,
): { canvas: PendingCanvas<Buffer> | undefined; damage: JournalDamage | undefined } {
  const { content: last, ...state } = canvas;
  if (!last) return { canvas: { ...state, content: undefined }, damage: undefined };
  const found = newestGood(last, etagOf);
  if (found?.version === last) return { canvas: { ...state, content: found.bytes }, damage: undefined };
  const lostBytes = last.content.end - last.content.start;
  const damage = { segment: last.source.number, offset: last.offset, lostBytes, path: canvas.path };
  const isUnwritten = state.earlier.some(({ sequence }) => sequence === found?.version.sequence);
  if (!found || !isUnwritten) return { canvas: undefined, damage };
  const { etag, sequence } = found.version;
  return { canvas: { ...state, etag, sequence, content: found.bytes }, damage };
}

/**
 * Reads the segments from the newest back to the one that voids all before it. It changes nothing.
 * @param etagOf the ETag that the bytes of a canvas must have, as given when they were appended
 * @throws the system's error when a segment cannot be read at all: going on would forget what it holds
 * @source product contract, Promises 1 (start replays what had not reached its file)
 */
export async function recover(files: JournalFiles, etagOf: EtagOf): Promise<Recovery> {
  const segments = await files.list();
  const damage: JournalDamage[] = [];
  const read: SegmentBytes[] = [];
  let [lastSequence, bytesRead] = [0, 0];
  for (const number of segments.toReversed()) {
    const bytes = await files.read(number);
    const found = readSegment(bytes, number);
    bytesRead += bytes.length;
    if (found.damage) damage.unshift(found.damage);
    read.unshift(found.segment);
    lastSequence = Math.max(lastSequence, found.segment.lastSequence);
    if (found.segment.hasBase) break;
  }
  const versions = new PendingCanvases<Version>();
  const inFiles = new Map<string, Version>();
  for (const segment of read) {
    const broken = replay(segment, versions, inFiles);
    if (broken) damage.push(broken);
  }
  const pending = new PendingCanvases<Buffer>(({ length }) => length);
  for (const canvas of versions.values()) {
    const result = verified(canvas, etagOf);
    if (result.canvas) pending.change(result.canvas);
    if (result.damage) damage.push(result.damage);
  }
  for (const [path, overwritten] of versions.overwritten) {
    const wanted = new Set(overwritten.map(({ content }) => content));
    const bytes = bytesOfAll(wanted, etagOf);
    for (const { content, ...version } of overwritten) {
      const found = bytes.get(content);
      if (found) pending.keep(path, { ...version, content: found });
    }
  }
  const written = Array.from(inFiles, ([path, version]) => {
    const bytes = bytesOfAll(new Set([version]), etagOf).get(version);
    return bytes ? [{ path, etag: version.etag, bytes }] : [];
  }).flat();
  return { pending, written, damage, segments, lastSequence, bytesRead };
}
