import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { Readable, Writable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type CommandIo, gravest } from '../../src/cli/exit-codes.js';
import { runExportCommand } from '../../src/cli/export-command.js';
import { runImportCommand } from '../../src/cli/import-command.js';
import { createProgressDisplay } from '../../src/cli/progress-display.js';
import { readEvents } from '../../src/client/event-lines.js';
import { importRoutes } from '../../src/trajectories/import/import-routes.js';
import { openTestApp } from '../support/app.js';
import { temporaryFolder } from '../support/folder.js';
import { startTestServer } from '../support/server.js';
import { heldRuns, openTestImports } from '../trajectories/import/open.js';
import { formats, rawRecord, rawRecords } from '../trajectories/import/records.js';

class Collected extends Writable {
  text = '';
  constructor(readonly isTTY = false) {
    super();
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void) {
    this.text += chunk;
    done();
  }
}

function terminal(input: Iterable<Buffer> = [], isTTY = false) {
  const interruption = new AbortController();
  const stdout = new Collected();
  const stderr = new Collected(isTTY);
  const io: CommandIo = { stdin: Readable.from(input), stdout, stderr, interrupted: interruption.signal };
  return { io, stdout, stderr, interrupt: () => interruption.abort() };
}

const lines = formats.lines!(rawRecords(5));

/** A service with imports only, and a folder for files to send. */
async function serve(changes: Parameters<typeof openTestImports>[1] = {}, apiToken?: string) {
  const folder = await temporaryFolder();
  const opened = await openTestImports(path.join(folder, 'data'), changes);
  onTestFinished(() => opened.imports.close());
  const server = await startTestServer([importRoutes(opened.imports)], apiToken ? { apiToken } : {});
  const url = await server.listen({ port: 0, host: '127.0.0.1' });
  const write = async (name: string, content: string | Buffer) => {
    await writeFile(path.join(folder, name), content);
    return path.join(folder, name);
  };
  return { ...opened, url, write };
}

describe('import', () => {
  it('sends files one after the other, any format, and says what became of each', async () => {
    const { url, write, imports } = await serve();
    const first = await write('a.jsonl', lines);
    const second = await write('b.gz', gzipSync(formats.array!(rawRecords(5, 5))));
    const { io, stdout, stderr } = terminal();
    expect(await runImportCommand([first, second, '--url', url], io)).toBe(0);
    expect(stdout.text).toBe(
      `${first}: completed: 5 imported, 0 failed, 0 skipped\n${second}: completed: 5 imported, 0 failed, 0 skipped\n`,
    );
    expect(stderr.text).toBe('');
    expect(imports.history(10, 0).total).toBe(2);
  });

  it('reads standard input, and names bad records with exit code 1', async () => {
    const { url } = await serve();
    const { io, stdout, stderr } = terminal([Buffer.from(lines), Buffer.from('x\n'.repeat(12))]);
    expect(await runImportCommand(['-', `--url=${url}/`], io)).toBe(1);
    expect(stdout.text).toContain('-: completed: 5 imported, 12 failed, 0 skipped');
    expect(stderr.text).toMatch(/^ {2}Line 6: not valid JSON/);
    expect(stderr.text).toMatch(/and 2 more: \/api\/import\/errors\//);
  });

  it('speaks JSON to machines, one line for each file', async () => {
    const { url, write } = await serve();
    const file = await write('a', lines);
    const { io, stdout, stderr } = terminal();
    const options = ['--json', '--on-conflict', 'replace', '--url', url];
    expect(await runImportCommand([file, `${file}-missing`, ...options], io)).toBe(2);
    const told = stdout.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(told).toMatchObject([
      { file, exit_code: 0, status: 'completed', imported_count: 5 },
      { file: `${file}-missing`, exit_code: 2, error: expect.stringContaining('ENOENT') },
    ]);
    expect(stderr.text).toBe('');
  });

  it.each([
    [[], /at least one file/],
    [['a', '--on-conflict', 'merge'], /--on-conflict: expected skip or replace/],
    [['a', '--colour'], /--colour/],
    [['a', '--url', 'nowhere'], /--url: expected an http or https address/],
    [['a', '--url', 'file:///etc/passwd'], /--url/],
    [['a', '--token-from-env', 'NO_SUCH_VARIABLE_HERE'], /expected a variable that is set/],
  ])('of %j is a wrong usage, exit code 2', async (argv, message) => {
    const { io, stderr } = terminal();
    expect(await runImportCommand(argv, io)).toBe(2);
    expect(stderr.text).toMatch(message);
    expect(stderr.text).toContain('Usage:');
  });

  it('says how it is used', async () => {
    const { io, stdout } = terminal();
    expect(await runImportCommand(['--help'], io)).toBe(0);
    expect(stdout.text).toContain('Exit codes: 0');
    expect(await runExportCommand(['--help'], io)).toBe(0);
  });

  it('ends with 3 where nothing answers, or the service refuses before it has all', async () => {
    const { url, write } = await serve({ maxUploadBytes: 1000 }, 'a-token-of-the-service');
    const file = await write('a', 'x'.repeat(3_000_000));
    const refused = terminal();
    expect(await runImportCommand([file, '--url', url], refused.io)).toBe(3);
    expect(refused.stderr.text).toMatch(/\(TOKEN_REQUIRED\)/);
    process.env.TEST_CLI_TOKEN = 'a-token-of-the-service';
    onTestFinished(() => void delete process.env.TEST_CLI_TOKEN);
    const tooLarge = terminal();
    const small = await write('b', 'x'.repeat(2000));
    expect(await runImportCommand([small, '--url', url, '--token-from-env', 'TEST_CLI_TOKEN'], tooLarge.io)).toBe(3);
    expect(tooLarge.stderr.text).toMatch(/IMPORT_UPLOAD_TOO_LARGE/);

    const listener = net.createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as net.AddressInfo;
    listener.close();
    await once(listener, 'close');
    const alone = terminal();
    expect(await runImportCommand([file, '--url', `http://127.0.0.1:${port}`], alone.io)).toBe(3);
    expect(alone.stderr.text).toMatch(/cannot be reached: nothing answers there/);
  });

  it('cancels the import when it is interrupted, exit code 130', async () => {
    const held = heldRuns();
    const { url, write, imports } = await serve({ startRun: held.startRun });
    const file = await write('a', `${lines}${' '.repeat(290_000)}\n`);
    const { io, stdout, interrupt } = terminal();
    const ended = runImportCommand([file, file, '--url', url, '--json'], io);
    await held.started;
    interrupt();
    expect(await ended).toBe(130);
    expect(JSON.parse(stdout.text)).toMatchObject({ status: 'cancelled', exit_code: 130 });
    expect(imports.history(10, 0)).toMatchObject({ total: 1, data: [{ status: 'cancelled' }] });
  });

  it('leaves nothing at the service when it is interrupted while it sends', async () => {
    const { url, imports } = await serve();
    const terminalOf = terminal();
    async function* endless() {
      yield Buffer.from(lines);
      terminalOf.interrupt();
      await once(new AbortController().signal, 'abort', { signal: terminalOf.io.interrupted }).catch(() => {});
      yield Buffer.from(lines);
    }
    const io = { ...terminalOf.io, stdin: Readable.from(endless()) };
    expect(await runImportCommand(['-', '--url', url], io)).toBe(130);
    expect(imports.history(1, 0).total).toBe(0);
  });
});

describe('export', () => {
  it('writes what passes the filters to a file, whole, or to standard output', async () => {
    const { server, folder } = await openTestApp();
    const url = await server.listen({ port: 0, host: '127.0.0.1' });
    const records = formats.lines!([rawRecord(1), rawRecord(2), rawRecord(3)]);
    const { io, stdout } = terminal([Buffer.from(records)]);
    expect(await runImportCommand(['-', '--url', url], io)).toBe(0);
    const file = path.join(folder, 'out.csv');
    const asked = ['--format', 'csv', '--agent-name', 'AgentA', '-o', file, '--url', url];
    expect(await runExportCommand(asked, io)).toBe(0);
    const csv = await readFile(file, 'utf8');
    expect(csv.trim().split('\n')).toHaveLength(2);
    expect(csv).toContain('q2-run1-1-2-3-0');
    stdout.text = '';
    expect(await runExportCommand([`--url=${url}`, '--sort_by', 'data_id', '--sort_order', 'asc'], io)).toBe(0);
    const ids = stdout.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).data_id);
    expect(ids).toEqual(['q1', 'q2', 'q3']);
    expect(await runExportCommand(['--colour', 'red', '-o', file, '--url', url], io)).toBe(3);
    expect(await readFile(file, 'utf8')).toBe(csv);
    expect(await runExportCommand(['-o', path.join(folder, 'missing', 'x'), '--url', url], io)).toBe(2);
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
  }, 60_000);

  it.each([[['csv']], [['--format']], [['--format', 'csv', 'more']]])('of %j is a wrong usage', async (argv) => {
    const { io, stderr } = terminal();
    expect(await runExportCommand(argv, io)).toBe(2);
    expect(stderr.text).toContain('Usage:');
  });
});

describe('progress', () => {
  const upload = {
    phase: 'upload',
    bytes: 50,
    bytesTotal: 100,
    rows: 0,
    rowsPerSecond: null,
    etaSeconds: null,
  } as const;
  const importing = { ...upload, phase: 'import', rows: 12, rowsPerSecond: 900, etaSeconds: 3.2 } as const;

  it('is a bar on a terminal, without colours', () => {
    const output = new Collected(true);
    const display = createProgressDisplay('a.jsonl', output, false);
    display.show(upload);
    display.show({ ...importing, bytesTotal: null });
    display.end();
    expect(output.text).toContain('a.jsonl  sending');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with it
    expect(output.text).not.toMatch(/\u001b\[[0-9;]*3[0-7]m/);
  });

  it.each([
    ['a pipe', false, false],
    ['a terminal that cannot redraw', true, true],
  ])('is plain lines now and then on %s', (_name, isTTY, isDumb) => {
    const output = new Collected(isTTY);
    let now = 0;
    const display = createProgressDisplay('a', output, isDumb, () => now);
    for (; now < 11_000; now += 1000) display.show(now < 7000 ? upload : importing);
    display.end();
    expect(output.text).toBe('a: sending 50% 0.0 MiB\na: importing 50% 12 rows, 900 rows/s, 4 s left\n');
  });
});

it('events are read across pieces, comments and cut ends left out', async () => {
  const text = ': hi\nid: 3\n\nevent: progress\nid: 7\ndata: {"é":\ndata: 1}\r\n\r\ndata: x\n\nevent: end\ndata: cut';
  for (const size of [1, 3, 1000]) {
    const bytes = Buffer.from(text);
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    );
    const events = [];
    for await (const event of readEvents(Readable.from(pieces))) events.push(event);
    expect(events).toEqual([
      { event: 'progress', id: '7', data: '{"é":\n1}' },
      { event: 'message', id: '', data: 'x' },
    ]);
  }
  expect(gravest([0, 1, 0])).toBe(1);
});
