import { describe, expect, it } from 'vitest';
import { Problem } from '../../src/errors.js';
import { flagNames } from '../../src/optimizations/index.js';
import { openTestFlags } from './open-test-flags.js';

describe('flags', () => {
  it('are all on with their default settings when there is no file', async () => {
    const { flags, events, lines } = await openTestFlags(undefined);
    expect(flags.optimization('batch_writer')).toMatchObject({
      enabled: true,
      settings: { window_ms: 100, max_delay_ms: 600, max_pending_bytes: 268_435_456 },
    });
    expect(flags.optimization('canvas_cache').settings).toEqual({
      max_files: 200,
      max_bytes: 268_435_456,
      ttl_seconds: 3600,
    });
    expect(Object.values(flags.list()).every((state) => state.effective)).toBe(true);
    expect(flags.list().fast_json.reason).toBe('on by default; there is no configuration file');
    expect(events).toContainEqual({ type: 'config_read', result: 'defaults' });
    expect(events.filter((event) => event.type === 'switch_set')).toHaveLength(flagNames.length + 1);
    expect(lines()).toHaveLength(1);
  });

  it('take what the file says and the default for what it leaves out', async () => {
    const { flags } = await openTestFlags('batch_import: {enabled: false, batch_rows: 10000}\n');
    expect(flags.optimization('batch_import')).toMatchObject({
      enabled: false,
      settings: { batch_rows: 10_000, max_batch_bytes: 25_165_824 },
    });
    expect(flags.optimization('batch_import').settings).not.toHaveProperty('enabled');
    expect(flags.list().batch_import).toEqual({
      enabled: false,
      effective: false,
      since: '2026-01-01T00:00:00.000Z',
      reason: 'off in the configuration file',
    });
    expect(flags.list().native_query).toMatchObject({ effective: true, reason: 'on in the configuration file' });
  });

  it('follow an edit while the same object is kept, and log one audit line for the flag that changed', async () => {
    const { flags, clock, write, settle, lines, events } = await openTestFlags('batch_writer: {window_ms: 50}\n');
    const writer = flags.optimization('batch_writer');
    const cacheSettings = flags.optimization('canvas_cache').settings;
    events.length = 0;
    clock.pass(5000);
    write('batch_writer: {window_ms: 250, enabled: false}\n');
    settle();
    expect(writer).toMatchObject({ enabled: false, settings: { window_ms: 250 } });
    expect(flags.optimization('batch_writer')).toBe(writer);
    expect(flags.optimization('canvas_cache').settings).toBe(cacheSettings);
    expect(events).toEqual([
      { type: 'switch_set', flag: 'batch_writer', effective: false },
      { type: 'config_read', result: 'success' },
    ]);
    expect(Date.parse(flags.list().batch_writer.since)).toBeGreaterThan(Date.parse('2026-01-01T00:00:05Z'));
    const audit = lines().filter((line) => line.audit === true);
    expect(audit).toHaveLength(1);
    expect(audit[0]).toMatchObject({
      flag: 'batch_writer',
      from: { enabled: true, effective: true, settings: { window_ms: 50 } },
      to: { enabled: false, effective: false, settings: { window_ms: 250 } },
    });
  });

  it('log one audit line for each section that rules over them, with what it was and what it is', async () => {
    const before = 'verification: {sample_rate: 0.5}\nauto_rollback: {failures: 7}\n';
    const { flags, write, settle, lines } = await openTestFlags(before);
    write('verification: {sample_rate: 0.25}\nauto_rollback: {failures: 7}\nauto_tune: {enabled: true}\n');
    settle();
    expect(flags.policies()).toMatchObject({ verification: { sample_rate: 0.25 }, auto_tune: { enabled: true } });
    expect(lines().filter((line) => line.audit === true)).toMatchObject([
      { level: 'info', section: 'verification', from: { sample_rate: 0.5 }, to: { sample_rate: 0.25 } },
      { level: 'info', section: 'auto_tune', from: { enabled: false }, to: { enabled: true } },
    ]);
    flags.reload();
    expect(lines()).toHaveLength(2);
  });

  it('are all off under the master switch, keeping their own', async () => {
    const { flags, write, settle } = await openTestFlags('fast_json: {enabled: false}\n');
    write('enabled: false\nfast_json: {enabled: false}\n');
    settle();
    const { all, fast_json, ...others } = flags.list();
    expect(all).toMatchObject({ enabled: false, effective: false });
    expect(fast_json).toMatchObject({ enabled: false, effective: false });
    for (const state of Object.values(others)) {
      expect(state).toMatchObject({ enabled: true, effective: false, reason: 'the master switch is off' });
    }
    expect(flags.optimization('canvas_cache').enabled).toBe(false);
    write('enabled: true\n');
    settle();
    expect(Object.values(flags.list()).every((state) => state.effective)).toBe(true);
  });

  it('keep "since" when only a setting changes, and no switch is said to have moved', async () => {
    const { flags, clock, write, settle, events } = await openTestFlags('canvas_cache: {max_files: 10}\n');
    clock.pass(60_000);
    events.length = 0;
    write('canvas_cache: {max_files: 20}\n');
    settle();
    expect(events).toEqual([{ type: 'config_read', result: 'success' }]);
    expect(flags.optimization('canvas_cache').settings.max_files).toBe(20);
    expect(flags.list().canvas_cache.since).toBe('2026-01-01T00:00:00.000Z');
  });

  it('keep the last good configuration on a bad edit, with one line and one event', async () => {
    const { flags, write, settle, events, lines } = await openTestFlags('batch_writer: {window_ms: 50}\n');
    events.length = 0;
    write('batch_writer: {windw_ms: 70}\n');
    settle();
    settle();
    expect(flags.optimization('batch_writer').settings.window_ms).toBe(50);
    expect(events).toEqual([{ type: 'config_read', result: 'invalid' }]);
    expect(lines()).toHaveLength(1);
    expect(lines()[0]).toMatchObject({
      level: 'error',
      reason: expect.stringContaining('batch_writer.windw_ms: unknown key, did you mean "window_ms"? (line 1)'),
    });
    write('batch_writer: {window_ms: 70}\n');
    settle();
    expect(flags.optimization('batch_writer').settings.window_ms).toBe(70);
    expect(events.at(-1)).toEqual({ type: 'config_read', result: 'success' });
  });

  it('do not open on an invalid file, and say which key is wrong', async () => {
    await expect(openTestFlags('enabled: true\nfast_jsn:\n  enabled: true\n')).rejects.toThrow(
      /optimization\.yaml: .*fast_jsn: unknown key, did you mean "fast_json"\? \(line 2\)/,
    );
  });

  it('reload at once on request and name what changed', async () => {
    const { flags, write, settle, events } = await openTestFlags('enabled: true\n');
    write('native_query: {enabled: false}\n');
    expect(flags.reload()).toEqual(['native_query']);
    expect(flags.optimization('native_query').enabled).toBe(false);
    expect(flags.reload()).toEqual([]);
    events.length = 0;
    settle();
    expect(events).toEqual([]);
  });

  it('refuse to reload a bad file with its faults, and the poll does not tell it twice', async () => {
    const { flags, write, settle, lines } = await openTestFlags('enabled: true\n');
    write('batch_import: {batch_rows: 499}\nenabled: "yes"\n');
    let thrown: unknown;
    try {
      flags.reload();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(Problem);
    expect(thrown).toMatchObject({
      code: 'OPTIMIZATION_CONFIG_INVALID',
      kind: 'unprocessable',
      faults: [
        { pointer: '/enabled', message: 'expected true or false, got "yes" (line 2)' },
        { pointer: '/batch_import/batch_rows', message: 'expected a whole number from 500 to 10000, got 499 (line 1)' },
      ],
    });
    settle();
    expect(lines()).toHaveLength(1);
    expect(flags.list().all.enabled).toBe(true);
  });

  it('count every failure of an optimised path and log it once a minute', async () => {
    const { flags, clock, events, lines } = await openTestFlags('auto_rollback: {enabled: false}\n');
    events.length = 0;
    const query = flags.optimization('native_query');
    for (let i = 0; i < 100; i++) query.failed(new Error(`broken ${i}`));
    flags.optimization('fast_json').failed('not even an error');
    clock.pass(59_999);
    query.failed(new Error('broken again'));
    expect(lines().map((line) => line.flag)).toEqual(['native_query', 'fast_json']);
    clock.pass(1);
    query.failed(new Error('and again'));
    expect(lines()).toHaveLength(3);
    expect(lines()[2]).toMatchObject({ level: 'warn', flag: 'native_query', failures: 101 });
    expect(
      events.filter((event) => event.type === 'optimization_failed' && event.flag === 'native_query'),
    ).toHaveLength(102);
    expect(query.enabled).toBe(true);
  });

  it('stop following the file once closed', async () => {
    const { flags, clock, write, settle } = await openTestFlags('enabled: true\n');
    expect(clock.running).toBeGreaterThan(0);
    flags.close();
    expect(clock.running).toBe(0);
    write('enabled: false\n');
    settle();
    expect(flags.optimization('fast_json').enabled).toBe(true);
  });
});
