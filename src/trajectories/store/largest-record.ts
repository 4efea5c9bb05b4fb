import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { writeFileDurably } from '../../durable-file.js';
import { readFresh, scanBatches, type Table } from '../../lance/index.js';
import { largestRecordFile } from '../trajectory-schema.js';

/**
 * How large a stored record may be, so that a page can be read in steps that fit into memory: the table does not tell
 * before it has read them. It is a file beside the table, which every writer raises before a larger record is committed;
 * no deletion lowers it. Raising is done in turns of writers of new ids, reading at any time, from any thread.
 */

const fileSchema = z.object({
  /** No record that was stored since the file is there has more bytes. */
  bytes: z.int().min(0),
  /** Those that were stored before it was there have no more either. */
  complete: z.boolean(),
});

/** @source product contract, Promises 6 */
export interface LargestRecord {
  /** No stored record's text has more bytes; undefined where that is not known. */
  bytes(): number | undefined;
  /**
   * To be waited for before records up to so many bytes are committed. Durable once resolved.
   * @throws NodeJS.ErrnoException; they must not be committed then
   */
  raise(bytes: number): Promise<void>;
  /** Says that no record stored before has more bytes. */
  complete(bytes: number): Promise<void>;
}

/** Below, pages of the most rows fit in: larger ones are told apart by powers of two, so that it is written seldom. */
const leastBytes = 64 * 1024;
/** What becomes of a record's text on its way into the table. */
const endingBytes = 64;
const rowsAtOnce = 64;

/** @param lanceUri the database's folder @source product contract, Promises 6 */
export function openLargestRecord(lanceUri: string): LargestRecord {
  const file = path.join(lanceUri, largestRecordFile);

  /** Pages are read more often than threads can be woken up: the file is small and in memory. */
  function read(): z.infer<typeof fileSchema> | undefined {
    try {
      return fileSchema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data;
    } catch {
      return undefined;
    }
  }

  async function write(bytes: number, complete: boolean): Promise<void> {
    const before = read();
    const rounded = 2 ** Math.ceil(Math.log2(Math.max(leastBytes, bytes)));
    const raised = { bytes: Math.max(rounded, before?.bytes ?? 0), complete: complete || before?.complete === true };
    if (raised.bytes === before?.bytes && raised.complete === before.complete) return;
    await writeFileDurably(file, JSON.stringify(raised));
  }

  return {
    bytes() {
      const known = read();
      return known?.complete ? known.bytes : undefined;
    },
    raise: (bytes) => write(bytes + endingBytes, false),
    complete: (bytes) => write(bytes, true),
  };
}

/**
 * Reads through the records of a table that was filled before their size was kept. Nothing is done where it is known.
 * @param exclusively runs work while no writer of new ids does
 * @throws what the database or the file system throws
 * @source product contract, Promises 6
 */
export async function measureRecords(
  table: Table,
  largest: LargestRecord,
  exclusively: (work: () => Promise<void>) => Promise<void>,
  isClosing: () => boolean,
): Promise<void> {
  if (largest.bytes() !== undefined) return;
  // From here on every record that is committed is in the file.
  await exclusively(() => largest.raise(0));
  const sizes = new Map([['bytes', 'octet_length(record_json)']]);
  const found = await readFresh(table, async () => {
    let most = 0;
    await table.checkoutLatest();
    for await (const batch of scanBatches(table.query().select(sizes), rowsAtOnce)) {
      for (const bytes of batch.getChild('bytes')?.toArray() ?? []) most = Math.max(most, Number(bytes));
      if (isClosing()) return undefined;
    }
    return most;
  });
  if (found !== undefined) await exclusively(() => largest.complete(found));
}
