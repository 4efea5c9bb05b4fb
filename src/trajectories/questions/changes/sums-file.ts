import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { type Statistics, statisticsOf, statisticsSchema } from '../../analysis/statistics.js';
import type { SummedRows } from './question-sums.js';

/**
 * The rows that figures are made from, kept in a file beside the table, so that the first figures after a start need
 * not read the table. Its head, checked by itself, says what all of them add up to, so that statistics of the same version
 * need not read the rows either. The file may be deleted at any time. What is in it is used when it was whole on disk, and
 * when the version of the table that it was made from is still the one it was; otherwise it is as if there were no file.
 * Row ids are never used twice, so what has changed in the table since then is found by comparing them.
 * @source product contract, Trajectories ("/api/analysis/stats"); Lance format specification, "Row IDs"
 */
export interface SumsFile {
  /** Fewer rows are read anew as fast as from a file. */
  readonly leastRows: number;
  /** What the head said when the file was opened: the version it is of, and what all rows of that version add up to. */
  readonly head: { version: number; statistics: Statistics | null } | undefined;
  /** The rows kept by the run before and the version they are of; undefined when there are none, and ever after. */
  load(): Promise<{ version: number; rows: SummedRows } | undefined>;
  /** Replaces the file. The rows must not change meanwhile. A version that is gone already is not kept. Never throws. */
  save(version: number, rows: SummedRows): Promise<void>;
}

/** Where the file is, and how versions of the table are told apart. @source product contract, Trajectories ("/api/analysis/stats") */
export interface SumsFileOptions {
  file: string;
  versionPrint(version: number): Promise<string | undefined>;
  leastRows?: number;
  /** Told when the file cannot be read or written. */
  onFailed?(error: unknown): void;
}

const count = z.int().min(0);
const headerSchema = z.strictObject({
  format: z.literal(2),
  version: count,
  print: z.string(),
  rows: count,
  questions: count,
  textBytes: count,
  crc32: count.describe('of all that follows the head'),
  statistics: statisticsSchema.nullable().describe('null where a sum is beyond the range of a double'),
});
type Header = z.infer<typeof headerSchema>;

/** The last four are the checksum of the others. */
const headerBytes = 1024;
const sumBytes = 4;
const pieceBytes = 4 * 1024 * 1024;

/**
 * Looks at the file, before anything removes old versions of the table.
 * @source product contract, Trajectories ("/api/analysis/stats"); promise 4 ("cache file damaged")
 */
export async function openSumsFile({
  file,
  versionPrint,
  leastRows = 20_000,
  onFailed,
}: SumsFileOptions): Promise<SumsFile> {
  const opened = await readHeader().catch(failed);
  let usable = opened;

  function failed(error: unknown): undefined {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') onFailed?.(error);
    return undefined;
  }

  async function readHeader(): Promise<Header | undefined> {
    const handle = await open(file, 'r');
    try {
      const { buffer } = await handle.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
      const header = headerIn(buffer);
      const { size } = await handle.stat();
      if (size !== headerBytes + bodyBytes(header)) throw new Error(`expected a whole file, got ${size} bytes`);
      return (await versionPrint(header.version)) === header.print ? header : undefined;
    } finally {
      await handle.close();
    }
  }

  async function readRows(header: Header): Promise<SummedRows> {
    const handle = await open(file, 'r');
    try {
      // Each array needs its place to be a multiple of its width, so the memory must be its own.
      const body = Buffer.allocUnsafeSlow(bodyBytes(header));
      let sum = 0;
      for (let at = 0; at < body.length; ) {
        const { bytesRead } = await handle.read(body, at, Math.min(pieceBytes, body.length - at), headerBytes + at);
        if (bytesRead === 0) throw new Error(`expected ${body.length} bytes, got ${at}`);
        sum = crc32(body.subarray(at, at + bytesRead), sum);
        at += bytesRead;
      }
      if (sum !== header.crc32) throw new Error('expected a file as it was written, got a damaged one');
      return rowsIn(body.buffer as ArrayBuffer, header);
    } finally {
      await handle.close();
    }
  }

  async function write(into: FileHandle, version: number, print: string, rows: SummedRows): Promise<void> {
    let sum = 0;
    let at = headerBytes;
    for (const part of partsOf(rows)) {
      for (let from = 0; from < part.length; from += pieceBytes) {
        const piece = part.subarray(from, from + pieceBytes);
        sum = crc32(piece, sum);
        await into.write(piece, 0, piece.length, at);
        at += piece.length;
      }
    }
    const { codes, texts, sums } = rows;
    const { data: statistics = null } = statisticsSchema.safeParse(
      statisticsOf({ ...sums, total: codes.length }, undefined),
    );
    const header: Header = {
      format: 2,
      version,
      print,
      rows: codes.length,
      questions: texts.ends.length - 1,
      textBytes: texts.bytes.length,
      crc32: sum,
      statistics,
    };
    await into.write(bytesOf(header), 0, headerBytes, 0);
  }

  return {
    leastRows,
    head: opened,
    async load() {
      const header = usable;
      usable = undefined;
      if (!header) return undefined;
      const rows = await readRows(header).catch(failed);
      return rows && { version: header.version, rows };
    },
    async save(version, rows) {
      const aside = `${file}.new`;
      try {
        const print = await versionPrint(version);
        if (print === undefined) return;
        const handle = await open(aside, 'w');
        try {
          await write(handle, version, print, rows);
        } finally {
          await handle.close();
        }
        await rename(aside, file);
      } catch (error) {
        onFailed?.(error);
        await rm(aside, { force: true }).catch(failed);
      }
    },
  };
}

function bytesOf(header: Header): Buffer {
  const bytes = Buffer.from(JSON.stringify(header).padEnd(headerBytes));
  bytes.writeUInt32LE(crc32(bytes.subarray(0, -sumBytes)), headerBytes - sumBytes);
  return bytes;
}

function headerIn(bytes: Buffer): Header {
  const text = bytes.subarray(0, -sumBytes);
  if (crc32(text) !== bytes.readUInt32LE(text.length)) throw new Error('expected a head as it was written');
  return headerSchema.parse(JSON.parse(text.toString()));
}

/** In the order in which they stand in the file: the widest first. */
function partsOf({ sums, texts, ...rows }: SummedRows): Buffer[] {
  const wide = [rows.rowIds, rows.rewards, rows.seconds, rows.seqs, texts.ends];
  const wideSums = [sums.rewards, sums.seconds, sums.firstSeqs, sums.firstRowIds];
  return [...wide, ...wideSums, sums.attempts, sums.successes, rows.codes, rows.flags, texts.bytes].map(
    ({ buffer, byteOffset, byteLength }) => Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength),
  );
}

const bodyBytes = ({ rows, questions, textBytes }: Header) =>
  37 * rows + 8 * (questions + 1) + 40 * questions + textBytes;

function rowsIn(body: ArrayBuffer, { rows, questions, textBytes }: Header): SummedRows {
  let at = 0;
  function next(bytes: number): number {
    const from = at;
    at += bytes;
    return from;
  }
  const float64 = (length: number) => new Float64Array(body, next(8 * length), length);
  const uint64 = (length: number) => new BigUint64Array(body, next(8 * length), length);
  const uint32 = (length: number) => new Uint32Array(body, next(4 * length), length);
  const rowIds = uint64(rows);
  const [rewards, seconds, seqs, ends] = [float64(rows), float64(rows), float64(rows), float64(questions + 1)];
  const of = { rewards: float64(questions), seconds: float64(questions), firstSeqs: float64(questions) };
  const firstRowIds = uint64(questions);
  const sums = { ...of, firstRowIds, attempts: uint32(questions), successes: uint32(questions) };
  const codes = uint32(rows);
  const flags = new Uint8Array(body, next(rows), rows);
  const bytes = new Uint8Array(body, next(textBytes), textBytes);
  return { rowIds, rewards, seconds, seqs, codes, flags, sums, texts: { ends, bytes } };
}
