import { expect, test } from 'vitest';
import {
  emptyObjects,
  type Flood,
  type FloodResult,
  gzipBomb,
  importFlood,
  longLine,
} from './scenarios/import-floods.js';
import { tell, tries } from './support/scale.js';
import { openGround, type RunningService } from './support/service.js';

/** What an import of ordinary records may take. */
const maxExtraMebibytes = 256;

async function survive(name: string, given: Flood): Promise<{ result: FloodResult; service: RunningService }> {
  const service = await (await openGround()).start();
  const { result, ...figures } = await importFlood(service, given);
  const { status, imported_count, failed_count } = result;
  tell(name, { ...figures, status, imported_count, failed_count, listed: result.errors.length });
  expect(status).toBe('completed');
  expect(figures.extraMebibytes ?? 0).toBeLessThan(maxExtraMebibytes);
  return { result, service };
}

test('lines that hold nothing are counted and named, each up to a limit, and what comes after them is stored', async () => {
  const lines = tries(200_000, 10_000_000);
  const { result, service } = await survive('lines of {}', emptyObjects(lines));
  expect(result).toMatchObject({ success: true, imported_count: 1, failed_count: lines });
  expect(result.errors).toHaveLength(1000);
  expect(result.errors[0]).toMatch(/^Line 1: .*required/);
  expect(result.warnings[0]).toContain(`${lines - 1000} more errors`);
  const { body } = await service.client.request('GET', `/api/import/errors/${result.task_id}`, { timeoutMs: 60_000 });
  expect(body.length).toBeLessThan(65 * 1024 * 1024);
  const listed = body.toString('latin1').trimEnd().split('\n');
  const last = JSON.parse(listed.at(-1)!) as { not_listed?: number };
  expect(last.not_listed === undefined ? listed.length : listed.length - 1 + last.not_listed).toBe(lines);
});

test('a line that is far too long is one error, and what comes after it is stored', async () => {
  const { result } = await survive('one long line', longLine(tries(100, 500)));
  expect(result).toMatchObject({ success: true, imported_count: 1, failed_count: 1 });
  expect(result.errors).toEqual(['Line 1: larger than 64 MiB']);
});

test('gzip that expands without end is given up, and what came before is stored', async () => {
  const { result } = await survive('gzip bomb', gzipBomb(tries(1, 8)));
  expect(result).toMatchObject({ imported_count: 1, failed_count: 1 });
  expect(result.errors).toEqual([expect.stringMatching(/expected gzip data that expands at most 250-fold$/)]);
});
