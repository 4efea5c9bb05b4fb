import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FlagName } from '../../src/optimizations/index.js';
import { temporaryFolder } from '../support/folder.js';
import { openTestFlags, type TestFlags } from './open-test-flags.js';

const rules = 'auto_rollback: {window_seconds: 60, failures: 5, failure_ratio: 0.05, mismatches: 2}\n';
const settings = `enabled: true # all of it\n${rules}verification: {sample_rate: 1, max_time_ratio: 1}\n`;

function use({ flags }: TestFlags, name: FlagName, times: number, failures: number): void {
  const flag = flags.optimization(name);
  for (let i = 0; i < times; i++) {
    if (flag.enabled && i < failures) flag.failed(new Error('broken'));
  }
}

async function answerWrongly({ flags }: TestFlags, name: FlagName, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    flags
      .optimization(name)
      .sample?.()
      ?.compare({
        check: { version: () => 'v', difference: () => 'row 3 of 20: another reward' },
        versionBefore: 'v',
        optimised: { answer: 1, seconds: 0 },
        original: () => 2,
      });
  }
  await flags.comparisonsDone();
}

const open = (text = settings, file?: string, rollbackFile?: string) =>
  openTestFlags(text, file, { load: () => 0, ...(rollbackFile && { rollbackFile }) });

describe('auto_rollback', () => {
  it('turns off a flag whose path breaks, at once, says why everywhere, and writes it into the file', async () => {
    const opened = await open();
    opened.events.length = 0;
    use(opened, 'canvas_cache', 100, 5);
    expect(opened.flags.optimization('canvas_cache').enabled).toBe(false);
    const { reason, enabled, effective } = opened.flags.list().canvas_cache;
    expect({ enabled, effective }).toEqual({ enabled: false, effective: false });
    expect(reason).toBe('turned off by auto_rollback at 2026-01-01T00:00:00.000Z: 5 failures in 5 uses within 60 s');
    expect(readFileSync(opened.file, 'utf8')).toBe(`${settings}canvas_cache:\n  enabled: false\n`);
    expect(opened.events).toContainEqual({ type: 'rolled_back', flag: 'canvas_cache', cause: 'failures', isNew: true });
    expect(opened.events).toContainEqual({ type: 'switch_set', flag: 'canvas_cache', effective: false });
    expect(opened.lines().filter((line) => line.audit === true)[0]).toMatchObject({
      flag: 'canvas_cache',
      by: 'auto_rollback',
      reason,
      to: { effective: false },
    });
  });

  it('turns off a flag that answers wrongly, and names what differed', async () => {
    const opened = await open();
    await answerWrongly(opened, 'native_query', 1);
    expect(opened.flags.optimization('native_query').enabled).toBe(true);
    await answerWrongly(opened, 'native_query', 1);
    expect(opened.flags.optimization('native_query').enabled).toBe(false);
    expect(opened.flags.list().native_query.reason).toContain(
      '2 wrong answers within 60 s (row 3 of 20: another reward)',
    );
    expect(opened.flags.list().canvas_cache.effective).toBe(true);
  });

  it('turns a flag off that goes on failing for seconds, however few uses that are, but not one that works meanwhile', async () => {
    const opened = await open();
    const [failing, mixed] = [opened.flags.optimization('native_query'), opened.flags.optimization('fast_json')];
    use(opened, 'native_query', 1, 1);
    use(opened, 'fast_json', 1, 1);
    opened.clock.pass(3000);
    use(opened, 'native_query', 1, 1);
    expect(failing.enabled).toBe(true);
    use(opened, 'fast_json', 20, 0);
    opened.clock.pass(2000);
    use(opened, 'native_query', 1, 1);
    use(opened, 'fast_json', 1, 1);
    expect(failing.enabled).toBe(false);
    expect(mixed.enabled).toBe(true);
  });

  it('leaves a flag on that fails rarely, seldom enough, or long ago', async () => {
    const opened = await open();
    const flag = opened.flags.optimization('fast_json');
    use(opened, 'fast_json', 1, 1);
    use(opened, 'fast_json', 200, 0);
    use(opened, 'fast_json', 4, 4);
    expect(flag.enabled).toBe(true);
    opened.clock.pass(61_000);
    use(opened, 'fast_json', 4, 4);
    expect(flag.enabled).toBe(true);
    use(opened, 'fast_json', 1, 1);
    expect(flag.enabled).toBe(false);
  });

  it('goes on counting where only a setting is edited meanwhile', async () => {
    const opened = await open();
    use(opened, 'canvas_cache', 4, 4);
    opened.write(`${settings}canvas_cache: {ttl_seconds: 60}\n`);
    opened.settle();
    expect(opened.flags.optimization('canvas_cache').settings.ttl_seconds).toBe(60);
    use(opened, 'canvas_cache', 1, 1);
    expect(opened.flags.optimization('canvas_cache').enabled).toBe(false);
  });

  it('leaves everything on when it is switched off itself', async () => {
    const opened = await open('auto_rollback: {enabled: false}\nverification: {sample_rate: 1, max_time_ratio: 1}\n');
    use(opened, 'fast_json', 100, 100);
    await answerWrongly(opened, 'native_query', 5);
    expect(Object.values(opened.flags.list()).every(({ effective }) => effective)).toBe(true);
  });

  it('does not turn a flag on again, neither by itself nor by a restart; an operator does', async () => {
    const rollbackFile = path.join(await temporaryFolder(), 'rollbacks.json');
    const first = await open(settings, undefined, rollbackFile);
    use(first, 'query_cache', 5, 5);
    const { reason } = first.flags.list().query_cache;
    first.clock.pass(3_600_000);
    expect(first.flags.optimization('query_cache').enabled).toBe(false);
    first.flags.close();

    const second = await open(settings, first.file, rollbackFile);
    expect(second.flags.list().query_cache).toMatchObject({ effective: false, reason });
    expect(second.events).toContainEqual({ type: 'rolled_back', flag: 'query_cache', cause: 'failures', isNew: false });
    expect(second.flags.set('query_cache', true)).toEqual(['query_cache']);
    expect(second.flags.optimization('query_cache').enabled).toBe(true);
    expect(second.events).toContainEqual({ type: 'rollback_ended', flag: 'query_cache' });
    second.flags.close();

    const third = await open(settings, first.file, rollbackFile);
    expect(third.flags.list().query_cache).toMatchObject({ effective: true, reason: 'on in the configuration file' });
    expect(JSON.parse(readFileSync(rollbackFile, 'utf8'))).toEqual({ flags: {} });
  });

  it('ends when the flag is turned on in the file by hand', async () => {
    const opened = await open();
    use(opened, 'query_cache', 5, 5);
    opened.settle();
    expect(opened.flags.optimization('query_cache').enabled).toBe(false);
    opened.write(settings);
    opened.settle();
    expect(opened.flags.list().query_cache).toMatchObject({ effective: true, reason: 'on in the configuration file' });
    use(opened, 'query_cache', 4, 4);
    expect(opened.flags.optimization('query_cache').enabled).toBe(true);
  });

  it('holds where the file cannot be written, also after a restart, until an operator turns the flag on', async () => {
    const rollbackFile = path.join(await temporaryFolder(), 'rollbacks.json');
    const first = await open(settings, undefined, rollbackFile);
    chmodSync(first.file, 0o444);
    use(first, 'query_cache', 5, 5);
    expect(readFileSync(first.file, 'utf8')).toBe(settings);
    expect(first.flags.list().query_cache).toMatchObject({ enabled: false, effective: false });
    expect(first.flags.reload()).toEqual([]);
    expect(first.flags.optimization('query_cache').enabled).toBe(false);
    first.flags.close();

    const second = await open(settings, first.file, rollbackFile);
    expect(second.flags.optimization('query_cache').enabled).toBe(false);
    expect(second.flags.list().query_cache.reason).toContain('turned off by auto_rollback');
    expect(second.flags.set('query_cache', true)).toEqual(['query_cache']);
    expect(second.flags.optimization('query_cache').enabled).toBe(true);
    expect(readFileSync(first.file, 'utf8')).toBe(settings);
  });

  it('where the file cannot be written ends by the opposite of what is shown, and nothing else can be switched there', async () => {
    const on = `${settings}query_cache:\n  enabled: true\n`;
    const { flags, file, lines } = await open(on);
    chmodSync(file, 0o444);
    use({ flags } as TestFlags, 'query_cache', 5, 5);
    const [said] = lines().filter(({ msg }) => String(msg).includes('still says on'));
    expect(said).toMatchObject({ level: 'warn', flag: 'query_cache', next: 'PUT /admin/flags/query_cache' });
    for (const name of ['fast_json', 'all'])
      expect(() => flags.set(name, false)).toThrow(
        /configuration file that the service may write; nothing was changed/,
      );
    expect(flags.list()).toMatchObject({ all: { effective: true }, fast_json: { enabled: true, effective: true } });
    const { enabled } = flags.list().query_cache;
    expect(flags.set('query_cache', !enabled)).toEqual(['query_cache']);
    expect(flags.list().query_cache).toMatchObject({ enabled: true, effective: true });
    expect(readFileSync(file, 'utf8')).toBe(on);
  });

  it('is not ended by a file that said on all the time, whatever else is edited, but by off and on again', async () => {
    const opened = await open();
    chmodSync(opened.file, 0o444);
    use(opened, 'query_cache', 5, 5);
    const edits = [
      `${settings}# a note\n`,
      `${settings}query_cache: {enabled: true}\n`,
      'fast_json: {enabled: false}\n',
    ];
    const wanted = [...edits, 'query_cache: {enabled: false}\n', settings];
    const held = wanted.map((text) => {
      chmodSync(opened.file, 0o644);
      opened.write(text);
      opened.settle();
      return !opened.flags.optimization('query_cache').enabled;
    });
    expect(held).toEqual([true, true, true, true, false]);
    expect(opened.flags.list().query_cache.reason).toBe('on in the configuration file');
  });

  it('says so when what it kept cannot be read, and starts all the same', async () => {
    const rollbackFile = path.join(await temporaryFolder(), 'rollbacks.json');
    writeFileSync(rollbackFile, '{"flags": {"query_cache": 1}}');
    const { flags, lines } = await open(settings, undefined, rollbackFile);
    expect(flags.optimization('query_cache').enabled).toBe(true);
    expect(lines().some(({ level, msg }) => level === 'warn' && String(msg).includes('auto_rollback'))).toBe(true);
  });

  it('keeps what it can read beside a flag that this release does not know', async () => {
    const rollbackFile = path.join(await temporaryFolder(), 'rollbacks.json');
    const record = { at: '2026-01-01T00:00:00.000Z', cause: 'mismatch', reason: 'a wrong answer', inFile: false };
    writeFileSync(rollbackFile, JSON.stringify({ flags: { another_release: record, query_cache: record } }));
    const { flags } = await open(settings, undefined, rollbackFile);
    expect(flags.optimization('query_cache').enabled).toBe(false);
  });

  it('keeps nothing on disk before there is anything to keep', async () => {
    const rollbackFile = path.join(await temporaryFolder(), 'rollbacks.json');
    await open(settings, undefined, rollbackFile);
    expect(existsSync(rollbackFile)).toBe(false);
  });
});
