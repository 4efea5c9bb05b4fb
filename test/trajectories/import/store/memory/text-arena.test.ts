import { describe, expect, it } from 'vitest';
import { TextArena } from '../../../../../src/trajectories/import/store/memory/text-arena.js';
import { formats, rawRecord, storedRows } from '../../records.js';
import { batched, newRun, outcomeOf } from '../../run.js';

const quarter = (letter: string) => letter.repeat(256 * 1024);
const write = (arena: TextArena, letter: string) => arena.write([quarter(letter)], 'latin1');

describe('texts in an arena', () => {
  it('stay as they are until they are released with all others of their piece', () => {
    const arena = new TextArena();
    const texts = [...'abcdefghij'].map((letter) => write(arena, letter));
    expect(texts.map(String)).toEqual([...'abcdefghij'].map(quarter));
    // Four lie in a piece: the first piece may be written over, and not the one that "f" shares with others.
    arena.release(texts.slice(0, 6));
    const more = [...'klmnopqr'].map((letter) => write(arena, letter));
    expect(more.map(String)).toEqual([...'klmnopqr'].map(quarter));
    expect(texts.slice(4).map(String)).toEqual([...'efghij'].map(quarter));
    expect(more.some(({ buffer }) => buffer === texts[0]!.buffer)).toBe(true);
  });

  it('that are too long for a piece have memory of their own, which is not used again', () => {
    const arena = new TextArena();
    const short = [...'abcde'].map((letter) => write(arena, letter));
    const long = arena.write(['x'.repeat(2 * 1024 * 1024)], 'latin1');
    arena.release([...short, long]);
    for (let i = 0; i < 12; i++) write(arena, 'z');
    // The last of the short ones lies in a piece with others.
    expect(short.slice(4).map(String)).toEqual([quarter('e')]);
    expect(short[0]!.toString()).toBe(quarter('z'));
    expect(long.toString()).toBe('x'.repeat(2 * 1024 * 1024));
  });

  it('that are dropped without being released are not held', () => {
    const arena = new TextArena();
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    for (let i = 0; i < 4000; i++) {
      write(arena, 'x');
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    // A gigabyte was written.
    expect(most).toBeLessThan(512 * 1024 * 1024);
  });
});

describe('an import in many batches', () => {
  it.each(['skip', 'replace'] as const)(
    'stores each record as it was, though the memory of a batch is used again (%s)',
    async (onConflict) => {
      // Lines of ten records of 30 KB, cut wherever a batch is full: the rows of a line belong to two of them.
      const records = Array.from({ length: 300 }, (_, i) => ({
        ...rawRecord(i),
        custom: { kept: `${i} `.repeat(6000) },
      }));
      const run = await newRun(formats.iterations!(records), {
        onConflict,
        batchImport: { ...batched, max_batch_bytes: 1024 * 1024 },
      });
      const outcome = await outcomeOf(run);
      expect(outcome.counts).toEqual({ imported: 300, failed: 0, skipped: 0 });
      expect(outcome.commits).toBeGreaterThan(20);
      const rows = await storedRows(run.lanceUri);
      const kept = rows.map(({ record }) => (record as (typeof records)[0]).custom.kept);
      expect(kept).toEqual(records.map(({ custom }) => custom.kept));
    },
  );
});
