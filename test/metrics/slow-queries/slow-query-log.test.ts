import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Registry } from 'prom-client';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Logger } from '../../../src/logger.js';
import type { AnsweredQuery } from '../../../src/metrics/slow-queries/slow-query.js';
import { createSlowQueryLog } from '../../../src/metrics/slow-queries/slow-query-log.js';
import { temporaryFolder } from '../../support/folder.js';

async function openLog(more: { slowQueryMs?: number; maxFileBytes?: number } = {}) {
  const dataDir = await temporaryFolder();
  const file = path.join(dataDir, 'logs', 'slow-queries.jsonl');
  const registry = new Registry();
  const said: { level: string; message: string }[] = [];
  const say = (level: string) => (_fields: unknown, message?: string) =>
    said.push({ level, message: message ?? String(_fields) });
  const logger = { warn: say('warn'), info: say('info') } as unknown as Logger;
  const log = createSlowQueryLog(registry);
  log.open({ dataDir, slowQueryMs: 300, logger, wall: () => Date.UTC(2026, 0, 2), ...more });
  const lines = async (of = file) => (await readFile(of, 'utf8')).trimEnd().split('\n');
  const counted = async (name: string) => {
    const { values } = (await registry.getSingleMetric(name)?.get()) ?? { values: [] };
    return Object.fromEntries(values.map(({ labels, value }) => [Object.values(labels).join(), value]));
  };
  return { log, file, dataDir, said, lines, counted };
}

const queryOf = (more: Partial<AnsweredQuery> = {}): AnsweredQuery => ({
  operation: 'list',
  durationSeconds: 0.5,
  rows: 20,
  asked: () => ({
    shape: { filters: ['reward between'], sort: 'reward desc', page: 3 },
    explain: async () => ({ plan: ['SortExec'], indexes: [{ column: 'reward', kind: 'btree' }], tableVersion: 7 }),
  }),
  ...more,
});

describe('the slow-query log', () => {
  it('tells what was asked, how it is read, how long it took, and of which version', async () => {
    const { log, lines, counted } = await openLog();
    log.observe(queryOf({ durationSeconds: 0.5123456 }));
    await log.idle();
    expect((await lines()).map((line) => JSON.parse(line))).toEqual([
      {
        time: '2026-01-02T00:00:00.000Z',
        operation: 'list',
        duration_ms: 512.346,
        rows: 20,
        shape: { filters: ['reward between'], sort: 'reward desc', page: 3 },
        plan: ['SortExec'],
        indexes: [{ column: 'reward', kind: 'btree' }],
        table_version: 7,
      },
    ]);
    expect(await counted('canvas_slow_queries_total')).toEqual({ list: 1 });
    expect(await counted('canvas_slow_query_lines_total')).toEqual({ written: 1 });
  });

  it('leaves quick queries alone, and asks nothing about them', async () => {
    const { log, file, counted } = await openLog();
    log.observe(queryOf({ durationSeconds: 0.2999, asked: () => expect.unreachable() }));
    log.observe(undefined);
    await log.idle();
    await expect(stat(file)).rejects.toThrow('ENOENT');
    expect(await counted('canvas_slow_queries_total')).toEqual({});
  });

  it('is off with a threshold of 0, and before it is opened', async () => {
    const { log, file } = await openLog({ slowQueryMs: 0 });
    log.observe(queryOf({ durationSeconds: 60 }));
    const unopened = createSlowQueryLog(new Registry());
    unopened.observe(queryOf({ durationSeconds: 60 }));
    await Promise.all([log.idle(), unopened.close()]);
    await expect(stat(file)).rejects.toThrow('ENOENT');
  });

  it('does its work after the answer: observing neither writes nor explains', async () => {
    const { log } = await openLog();
    let isExplained = false;
    log.observe(
      queryOf({
        asked: () => {
          isExplained = true;
          return { shape: {} };
        },
      }),
    );
    expect(isExplained).toBe(false);
    await log.idle();
    expect(isExplained).toBe(true);
  });

  it('tells less where a query cannot be explained, or says too much', async () => {
    const { log, lines } = await openLog();
    log.observe(queryOf({ asked: undefined }));
    log.observe(queryOf({ asked: () => ({ shape: {}, explain: async () => Promise.reject(new Error('closed')) }) }));
    log.observe(queryOf({ asked: () => ({ shape: { fields: ['x'.repeat(5000)] } }) }));
    await log.idle();
    const [bare, unexplained, long] = (await lines()).map((line) => JSON.parse(line));
    expect(bare).toMatchObject({ operation: 'list', shape: {} });
    expect(unexplained).toMatchObject({ operation: 'list', plan: 'could not be told' });
    expect(long).toMatchObject({ operation: 'list', shape: 'too long to be told' });
  });

  it('asks a database that hangs for one plan only, until that one is there', async () => {
    const { log, lines } = await openLog();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    let answer = () => {};
    let asked = 0;
    let isAsked = () => {};
    const firstAsked = new Promise<void>((resolve) => {
      isAsked = resolve;
    });
    const hanging = async () => {
      asked += 1;
      isAsked();
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return { plan: ['too late'] };
    };
    for (let i = 0; i < 20; i++) log.observe(queryOf({ asked: () => ({ shape: { page: i }, explain: hanging }) }));
    await firstAsked;
    vi.advanceTimersByTime(2000);
    await log.idle();
    expect(asked).toBe(1);
    const told = (await lines()).map((line) => JSON.parse(line));
    expect(told.map(({ shape, plan }) => [shape.page, plan])).toEqual(told.map((_, page) => [page, undefined]));
    expect(told).toHaveLength(20);
    answer();
    await new Promise(setImmediate);
    log.observe(queryOf());
    await log.idle();
    expect(JSON.parse((await lines()).at(-1) ?? '')).toMatchObject({ plan: ['SortExec'] });
  });

  it('counts what comes faster than it can be written', async () => {
    const { log, lines, counted } = await openLog();
    for (let i = 0; i < 150; i++) log.observe(queryOf());
    await log.idle();
    expect((await lines()).length).toBe(100);
    expect(await counted('canvas_slow_queries_total')).toEqual({ list: 150 });
    expect(await counted('canvas_slow_query_lines_total')).toEqual({ written: 100, dropped: 50 });
  });

  it('keeps its files within their bound', async () => {
    const { log, file, lines } = await openLog({ maxFileBytes: 1000 });
    for (let i = 0; i < 40; i++) {
      log.observe(queryOf({ rows: i }));
      await log.idle();
    }
    const before = file.replace('.jsonl', '.1.jsonl');
    for (const each of [file, before]) expect((await stat(each)).size).toBeLessThanOrEqual(1000);
    const rows = [...(await lines(before)), ...(await lines())].map((line) => JSON.parse(line).rows as number);
    expect(rows.at(-1)).toBe(39);
    expect(rows).toEqual(rows.map((_, i) => (rows[0] as number) + i));
  });

  it('goes on in the file of the last run, within the bound', async () => {
    const { log, file, lines } = await openLog({ maxFileBytes: 1000 });
    await mkdir(path.dirname(file));
    await writeFile(file, `${JSON.stringify({ old: 'x'.repeat(900) })}\n`);
    log.observe(queryOf());
    await log.idle();
    expect((await lines()).length).toBe(1);
    expect((await lines(file.replace('.jsonl', '.1.jsonl')))[0]).toContain('xxx');
  });

  it('says once that the file cannot be written, counts on, and says when it can be again', async () => {
    const { log, file, said, lines, counted } = await openLog();
    await writeFile(path.dirname(file), 'a file in place of the folder');
    for (let i = 0; i < 5; i++) log.observe(queryOf());
    await log.idle();
    expect(said).toEqual([{ level: 'warn', message: expect.stringContaining('cannot be written') }]);
    expect(await counted('canvas_slow_query_lines_total')).toEqual({ failed: 5 });
    await rm(path.dirname(file));
    log.observe(queryOf());
    await log.idle();
    expect((await lines()).length).toBe(1);
    expect(said.map(({ level }) => level)).toEqual(['warn', 'info']);
  });

  it('makes its folder again when somebody removed it', async () => {
    const { log, file, lines } = await openLog();
    log.observe(queryOf());
    await log.idle();
    await rm(path.dirname(file), { recursive: true });
    log.observe(queryOf());
    log.observe(queryOf());
    await log.idle();
    expect((await lines()).length).toBe(1);
  });

  it('writes what waits before it closes, and nothing afterwards', async () => {
    const { log, lines } = await openLog();
    log.observe(queryOf());
    await log.close();
    log.observe(queryOf());
    await log.idle();
    expect((await lines()).length).toBe(1);
  });
});
