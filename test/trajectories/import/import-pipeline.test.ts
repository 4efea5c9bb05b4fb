import { appendFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { runImport } from '../../../src/trajectories/import/import-pipeline.js';
import type { RunReport } from '../../../src/trajectories/import/import-run.js';
import { identityOf } from '../../../src/trajectories/import/source/source.js';
import { formats, nested, rawRecord, rawRecords, storedRows, zipped } from './records.js';
import { batched, newRun, outcomeOf, withoutSeq } from './run.js';

describe('an import', () => {
  const dirty = rawRecords(12).map((record, i) => {
    if (i === 2) return { ...record, trajectory_id: undefined };
    if (i === 5) return { ...record, reward: 'not a number' };
    return i === 9 ? { ...record, steps: 'none' } : record;
  });
  const reasons = [
    'trajectory_id: required',
    'reward: expected a number, got "not a number"',
    'steps: expected a list, got "none"',
  ];
  const named = (places: string[]) => places.map((place, i) => `${place}: ${reasons[i]}`);

  it.each(Object.keys(formats))(
    'of %s, plain and gzip, stores the good records and names the bad ones',
    async (format) => {
      const text = formats[format]!(dirty);
      const expected =
        format === 'lines'
          ? named(['Line 3', 'Line 6', 'Line 10'])
          : format === 'iterations'
            ? named(['Line 1[2]', 'Line 2[1]', 'Line 3[1]'])
            : named(['Record 3', 'Record 6', 'Record 10']);
      for (const content of [text, zipped(text)]) {
        const run = await newRun(content);
        const outcome = await outcomeOf(run);
        expect(outcome).toMatchObject({ end: 'done', counts: { imported: 9, failed: 3, skipped: 0 } });
        expect(outcome.errors).toEqual(expected);
        const rows = await storedRows(run.lanceUri);
        expect(rows.map((row) => row.data_id)).toEqual(['q0', 'q1', 'q3', 'q4', 'q6', 'q7', 'q8', 'q10', 'q11']);
        expect(rows[0]).toMatchObject({
          import_id: run.importId,
          source: ['lines', 'iterations'].includes(format) ? 'jsonl_import' : 'json_import',
          created_at: 1_700_000_000,
        });
      }
    },
  );

  it('of nested records stores the same columns as of flat ones', async () => {
    const flat = await newRun(formats.lines!(rawRecords(6)));
    const nestedRun = await newRun(formats.iterations!(rawRecords(6).map(nested)));
    await outcomeOf(flat);
    await outcomeOf(nestedRun);
    const columns = (rows: Record<string, unknown>[]) =>
      rows.map(({ trajectory_id, question, reward, exec_time, epoch_id, agent_name }) => ({
        ...{ trajectory_id, question, reward, exec_time, epoch_id, agent_name },
      }));
    expect(columns(await storedRows(nestedRun.lanceUri))).toEqual(columns(await storedRows(flat.lanceUri)));
  });

  it('ends in the same table and the same result with every optimisation off', async () => {
    const text = formats.iterations!([...dirty, ...rawRecords(20, 6), rawRecord(3, { reward: 77 })]);
    for (const onConflict of ['skip', 'replace'] as const) {
      const optimised = await newRun(text, { onConflict });
      const baseline = await newRun(text, {
        onConflict,
        batchImport: { ...batched, enabled: false },
        bulkDuplicateCheck: false,
      });
      const [a, b] = [await outcomeOf(optimised), await outcomeOf(baseline)];
      expect({ ...b, commits: 0 }).toEqual({ ...a, commits: 0 });
      expect(b.commits).toBeGreaterThan(a.commits);
      const key = (row: Record<string, unknown>) => String(row.trajectory_id);
      const sorted = (rows: Record<string, unknown>[]) => rows.sort((x, y) => key(x).localeCompare(key(y)));
      expect(sorted(await withoutSeq(baseline))).toEqual(sorted(await withoutSeq(optimised)));
    }
  });

  it('of a file that was cut off keeps what was whole and names the rest', async () => {
    const text = formats.iterations!(rawRecords(40));
    const run = await newRun(zipped(text).subarray(0, -200));
    const outcome = await outcomeOf(run);
    expect(outcome.errors).toEqual([expect.stringMatching(/^Line \d+(\[\d+\])?: the gzip data is cut off$/)]);
    expect(outcome.counts.imported).toBe((await storedRows(run.lanceUri)).length);
    expect(outcome.counts.imported).toBeGreaterThan(0);
  });

  it.each([
    ['no records', ''],
    ['nothing but numbers', '1\n2\n3\n'],
    ['a picture', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')],
    ['a tool that is not known', JSON.stringify({ trajectory: [{ action: 'ls', observation: 'x' }] }, null, 2)],
    ['a table', 'trajectory_id,data_id\n1,2\n'],
  ])('of %s ends without a row and without an exception', async (_name, content) => {
    const run = await newRun(content);
    const outcome = await outcomeOf(run);
    expect(outcome).toMatchObject({ end: 'done', counts: { imported: 0, skipped: 0 } });
    expect(outcome.errors.length).toBe(outcome.counts.failed);
    expect(await storedRows(run.lanceUri)).toEqual([]);
  });

  it('lists the first 1000 errors, each bounded, and counts all', async () => {
    const outcome = await outcomeOf(
      await newRun(`{"${'tags'}": "${'x'.repeat(3000)}", "reward": "${'y'.repeat(600)}"}\n`.repeat(1500)),
    );
    expect(outcome.counts.failed).toBe(1500);
    expect(outcome.errors).toHaveLength(1000);
    expect(Math.max(...outcome.errors.map((error) => error.length))).toBeLessThanOrEqual(500);
  });
});

describe('a run that ends early', () => {
  const text = formats.lines!(
    rawRecords(520).map((record, i) => (i % 20 === 10 ? { ...record, reward: 'x' } : record)),
  );
  const doubled = text + formats.lines!(rawRecords(30));

  it.each(['cancelled', 'stopped'] as const)('because it was %s keeps the batches committed', async (request) => {
    const run = await newRun(text);
    const outcome = await outcomeOf(run, (commits) => (commits >= 2 ? request : undefined));
    expect(outcome.end).toBe(request);
    expect(outcome.counts.imported).toBe((await storedRows(run.lanceUri)).length);
    expect(outcome.counts.imported).toBeGreaterThanOrEqual(200);
    expect(outcome.counts.imported).toBeLessThan(490);
  });

  it.each([
    ['skip', false],
    ['replace', false],
    ['skip', true],
  ] as const)(
    'is taken up again without doubling or losing a row (%s, unchecked %s)',
    async (onConflict, skipDuplicateCheck) => {
      const options = { onConflict, skipDuplicateCheck };
      const whole = await newRun(skipDuplicateCheck ? text : doubled, options);
      const expected = await outcomeOf(whole);
      const expectedRows = await withoutSeq(whole);
      for (const breakAfter of [1, 3]) {
        const run = await newRun(skipDuplicateCheck ? text : doubled, options);
        await outcomeOf(run, (commits) => (commits >= breakAfter ? 'stopped' : undefined));
        await outcomeOf({ ...run, resumes: true }, (commits) => (commits >= 1 ? 'stopped' : undefined));
        const { counts, errors, end } = await outcomeOf({ ...run, resumes: true });
        expect({ counts, errors, end }).toEqual({ counts: expected.counts, errors: expected.errors, end: 'done' });
        const ids = (rows: Record<string, unknown>[]) => rows.map((row) => row.trajectory_id).sort();
        expect(ids(await withoutSeq(run))).toEqual(ids(expectedRows));
      }
    },
  );

  it('because its file changed says so', async () => {
    const run = await newRun(text);
    await writeFile(run.file.path, 'other');
    expect((await outcomeOf(run)).end).toBe('changed');
    const again = await newRun(text);
    let touched = false;
    const outcome = await outcomeOf(again, () => {
      if (!touched) appendFileSync(again.file.path, '{}\n');
      touched = true;
      return undefined;
    });
    expect(outcome.end).toBe('changed');
    expect((await identityOf(again.file.path)).bytes).toBeGreaterThan(again.file.bytes);
  });

  it('because the database does not open throws', async () => {
    const run = await newRun(text);
    await expect(runImport({ ...run, lanceUri: run.file.path }, () => {})).rejects.toThrow();
  });
});

it('an import makes smaller commits while memory is short', async () => {
  const text = formats.lines!(rawRecords(1200));
  const commitsWith = async (share: number) => {
    const run = await newRun(text, { batchImport: { ...batched, batch_rows: 2000 } });
    const commits: number[] = [];
    const report = (message: RunReport) => message.type === 'commit' && commits.push(message.rows);
    await runImport(run, report, undefined, undefined, () => share);
    return commits;
  };
  expect(await commitsWith(0.8)).toEqual([1200]);
  expect(await commitsWith(0.9)).toEqual([500, 500, 200]);
});
