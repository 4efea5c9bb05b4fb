import {
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Problem } from '../../src/errors.js';
import { checkFlagConfig } from '../../src/optimizations/config/flag-config.js';
import { readYaml } from '../../src/optimizations/config/yaml-document.js';
import { withSwitch } from '../../src/optimizations/config/yaml-switch.js';
import { flagNames, optimizationRoutes } from '../../src/optimizations/index.js';
import { temporaryFolder } from '../support/folder.js';
import { startTestServer } from '../support/server.js';
import { openTestFlags } from './open-test-flags.js';

const byHand = `# kept by hand
enabled: true # the master

canvas_cache:   {max_files: 7,   enabled: true}   # small machine
# about writing
batch_writer:
  window_ms: 50   # tuned on Monday
  enabled: yes_please
`.replace('yes_please', 'true');

const configIn = (text: string) => checkFlagConfig(readYaml(text));
const problemOf = (work: () => unknown): Problem => {
  try {
    work();
  } catch (error) {
    return error as Problem;
  }
  throw new Error('nothing was thrown');
};

describe('setting a switch', () => {
  it('changes one word of the file, keeps the rest to the letter, and is live at once', async () => {
    const { flags, file } = await openTestFlags(byHand);
    expect(flags.set('batch_writer', false)).toEqual(['batch_writer']);
    expect(readFileSync(file, 'utf8')).toBe(byHand.replace('  enabled: true\n', '  enabled: false\n'));
    expect(flags.optimization('batch_writer').enabled).toBe(false);
    expect(flags.list().batch_writer.reason).toBe('turned off through the API');
    flags.set('canvas_cache', false);
    flags.set('batch_writer', true);
    expect(readFileSync(file, 'utf8')).toBe(byHand.replace('7,   enabled: true', '7,   enabled: false'));
  });

  it('sets the master switch, which holds over all others', async () => {
    const { flags, file } = await openTestFlags(byHand);
    expect(flags.set('all', false)).toHaveLength(flagNames.length + 1);
    expect(readFileSync(file, 'utf8')).toBe(byHand.replace('enabled: true # the', 'enabled: false # the'));
    expect(flags.list().fast_json).toMatchObject({ enabled: true, effective: false });
  });

  it('keeps an edit made by hand that nobody has read yet', async () => {
    const { flags, write, file } = await openTestFlags('enabled: true\n');
    write('enabled: true\nbatch_writer: {window_ms: 77} # just typed\n');
    expect(flags.set('fast_json', false).sort()).toEqual(['batch_writer', 'fast_json']);
    expect(readFileSync(file, 'utf8')).toContain('batch_writer: {window_ms: 77} # just typed');
    expect(flags.optimization('batch_writer').settings.window_ms).toBe(77);
  });

  it('logs an audit line with who asked, and the watch finds nothing new afterwards', async () => {
    const { flags, lines, settle } = await openTestFlags('enabled: true\n');
    flags.set('fast_json', false, { request_id: 'r-1' });
    settle();
    const audit = lines().filter((line) => line.audit === true);
    expect(audit).toHaveLength(1);
    expect(audit[0]).toMatchObject({
      flag: 'fast_json',
      by: 'api',
      request_id: 'r-1',
      from: { effective: true },
      to: { effective: false },
    });
    expect(flags.list().fast_json.reason).toBe('turned off through the API');
  });

  it('to what it is already changes nothing, not even the file', async () => {
    const { flags, file } = await openTestFlags(byHand);
    const before = lstatSync(file, { bigint: true });
    expect(flags.set('batch_writer', true)).toEqual([]);
    expect(flags.set('native_query', true)).toEqual([]);
    expect(lstatSync(file, { bigint: true })).toMatchObject({ ino: before.ino, mtimeNs: before.mtimeNs });
  });

  it('makes the file where there was none, and never over one that was lost', async () => {
    const { flags, file } = await openTestFlags(undefined);
    flags.set('canvas_cache', false);
    expect(readFileSync(file, 'utf8')).toBe('canvas_cache:\n  enabled: false\n');
    unlinkSync(file);
    expect(problemOf(() => flags.set('fast_json', false))).toMatchObject({ code: 'OPTIMIZATION_CONFIG_CONFLICT' });
    expect(flags.optimization('fast_json').enabled).toBe(true);
    expect(readdirSync(path.dirname(file))).toEqual([]);
  });

  it('is refused while the file is not valid, with its faults, and nothing changes', async () => {
    const { flags, write, file } = await openTestFlags('enabled: true\n');
    const halfway = 'enabled: true\nfast_json:\n  enab';
    write(halfway);
    const problem = problemOf(() => flags.set('fast_json', false));
    expect(problem).toMatchObject({ code: 'OPTIMIZATION_CONFIG_CONFLICT', kind: 'conflict' });
    expect(problem.faults?.[0]?.message).toMatch(/expected a section/);
    expect(readFileSync(file, 'utf8')).toBe(halfway);
    expect(flags.optimization('fast_json').enabled).toBe(true);
  });

  it('is refused for a file that may not be written, which stays as it is', async () => {
    const { flags, file } = await openTestFlags('enabled: true\n');
    chmodSync(file, 0o444);
    expect(problemOf(() => flags.set('fast_json', false))).toMatchObject({
      code: 'OPTIMIZATION_CONFIG_READ_ONLY',
      kind: 'unavailable',
    });
    expect(readFileSync(file, 'utf8')).toBe('enabled: true\n');
    expect(flags.optimization('fast_json').enabled).toBe(true);
    expect(readdirSync(path.dirname(file))).toEqual(['optimization.yaml']);
  });

  it('writes through a link and keeps the mode of the file', async () => {
    const folder = await temporaryFolder();
    const real = path.join(folder, 'real.yaml');
    const link = path.join(folder, 'link.yaml');
    writeFileSync(real, 'enabled: true\n', { mode: 0o640 });
    symlinkSync(real, link);
    const { flags } = await openTestFlags(undefined, link);
    flags.set('fast_json', false);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(lstatSync(real).mode & 0o777).toBe(0o640);
    expect(readFileSync(real, 'utf8')).toBe('enabled: true\nfast_json:\n  enabled: false\n');
  });

  it('keeps a mode that is wider than what the umask leaves a new file', async () => {
    const { flags, file } = await openTestFlags('enabled: true\n');
    chmodSync(file, 0o666);
    flags.set('fast_json', false);
    expect(lstatSync(file).mode & 0o777).toBe(0o666);
  });

  it('a file that was replaced by another program in between is read again', async () => {
    const { flags, file, settle } = await openTestFlags('enabled: true\n');
    writeFileSync(`${file}.new`, 'enabled: true\nquery_cache: {ttl_seconds: 9}\n');
    renameSync(`${file}.new`, file);
    flags.set('fast_json', false);
    settle();
    expect(flags.optimization('query_cache').settings.ttl_seconds).toBe(9);
    expect(flags.optimization('fast_json').enabled).toBe(false);
  });
});

describe('the text of a configuration with one switch set', () => {
  it.each([
    ['fast_json: {}\n', 'fast_json: {enabled: false}\n'],
    ['fast_json:\n  # nothing to set\n  {}\n', 'fast_json:\n  # nothing to set\n  {enabled: false}\n'],
    ['{enabled: true}', '{fast_json: {enabled: false}, enabled: true}'],
    ['"fast_json": {"enabled": True}', '"fast_json": {"enabled": false}'],
    ['---\nenabled: true\n# end', '---\nenabled: true\n# end\nfast_json:\n  enabled: false\n'],
    ['enabled: true\r\n', 'enabled: true\r\nfast_json:\r\n  enabled: false\r\n'],
  ])('%j', (before, after) => {
    expect(withSwitch(before, 'fast_json', false)).toBe(after);
    expect(configIn(after).flags.fast_json.enabled).toBe(false);
  });

  it('a section without the key gets it in front, under its comment', () => {
    const before = 'canvas_cache:\n    # few\n    max_files: 3\n';
    expect(withSwitch(before, 'canvas_cache', false)).toBe(
      'canvas_cache:\n    # few\n    enabled: false\n    max_files: 3\n',
    );
  });

  it('differs in that switch alone, and only by adding or replacing, however the file is laid out', () => {
    const comment = fc.constantFrom('', ' # why not', '  #x');
    const name = fc.constantFrom(...flagNames);
    const section = fc.record({ name, on: fc.option(fc.boolean()), flow: fc.boolean(), comment });
    const layout = fc.record({
      newline: fc.constantFrom('\n', '\r\n'),
      master: fc.option(fc.boolean()),
      sections: fc.uniqueArray(section, { selector: ({ name }) => name, minLength: 1, maxLength: 5 }),
      ends: fc.boolean(),
    });
    const textOf = ({ newline, master, sections, ends }: typeof layout extends fc.Arbitrary<infer T> ? T : never) => {
      const lines = ['# top', ...(master === null ? [] : [`enabled: ${master}`])];
      for (const { name, on, flow, comment } of sections) {
        if (flow || on === null) lines.push(`${name}: {${on === null ? '' : `enabled: ${on}`}}${comment}`);
        else lines.push(`${name}:${comment}`, `   enabled: ${on}${comment}`);
      }
      return lines.join(newline) + (ends ? newline : '');
    };
    const target = fc.constantFrom(undefined, ...flagNames);
    fc.assert(
      fc.property(layout, target, fc.boolean(), (given, flag, enabled) => {
        const before = textOf(given);
        const after = withSwitch(before, flag, enabled) ?? '';
        const wanted = structuredClone(configIn(before));
        if (flag === undefined) wanted.enabled = enabled;
        else wanted.flags[flag].enabled = enabled;
        expect(configIn(after)).toEqual(wanted);
        const wordless = (text: string) => text.replaceAll(/\b(true|false)\b/g, '');
        const kept = wordless(before).split('').values();
        let next = kept.next();
        for (const letter of wordless(after)) if (letter === next.value) next = kept.next();
        expect(next.done).toBe(true);
      }),
      { numRuns: 80, seed: 7 },
    );
  });
});

describe('PUT /admin/flags/{name}', () => {
  async function serve(text: string, apiToken?: string) {
    const opened = await openTestFlags(text);
    const server = await startTestServer([optimizationRoutes(opened.flags)], { apiToken });
    const put = (name: string, payload: object, headers = {}) =>
      server.inject({ method: 'PUT', url: `/admin/flags/${name}`, payload, headers });
    return { ...opened, put };
  }

  it('answers what changed and all flags', async () => {
    const { put, flags } = await serve('enabled: true\n');
    const answer = await put('query_cache', { enabled: false });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.json()).toEqual({ changed: ['query_cache'], flags: flags.list() });
  });

  it('an unknown flag is 404 and names those that there are', async () => {
    const { put } = await serve('enabled: true\n');
    for (const name of ['cache', '__proto__', 'enabled', '%20']) {
      const answer = await put(name, { enabled: false });
      expect(answer.statusCode).toBe(404);
      expect(answer.json()).toMatchObject({ code: 'OPTIMIZATION_UNKNOWN' });
      expect(answer.json().detail).toContain('all, canvas_cache, fast_json');
    }
  });

  it.each([[{}], [{ enabled: 'no' }], [{ enabled: null }], [{ enabled: false, extra: 1 }]])(
    '%j is 400',
    async (body) => {
      const { put, flags } = await serve('enabled: true\n');
      expect((await put('fast_json', body)).statusCode).toBe(400);
      expect(flags.list().fast_json.enabled).toBe(true);
    },
  );

  it('needs the token when one is set', async () => {
    const { put, flags } = await serve('enabled: true\n', 'a-token-of-32-letters-0123456789ab');
    expect((await put('fast_json', { enabled: false })).statusCode).toBe(401);
    expect(flags.list().fast_json.enabled).toBe(true);
    const headers = { authorization: 'Bearer a-token-of-32-letters-0123456789ab' };
    expect((await put('fast_json', { enabled: false }, headers)).statusCode).toBe(200);
  });

  it('a file that cannot be changed is 409 or 503, without a path', async () => {
    const { put, write, file } = await serve('enabled: true\n');
    chmodSync(file, 0o444);
    const locked = await put('fast_json', { enabled: false });
    expect(locked.statusCode).toBe(503);
    chmodSync(file, 0o644);
    write('enabled: maybe\n');
    const broken = await put('fast_json', { enabled: false });
    expect(broken.statusCode).toBe(409);
    expect(broken.json()).toMatchObject({ errors: [{ pointer: '/enabled' }] });
    for (const { body } of [locked, broken]) expect(body).not.toContain(path.dirname(file));
  });
});
