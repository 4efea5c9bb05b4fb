import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { importRoutes } from '../../../src/trajectories/import/import-routes.js';
import type { ImportsOptions } from '../../../src/trajectories/import/imports.js';
import { temporaryFolder } from '../../support/folder.js';
import { startTestServer } from '../../support/server.js';
import { heldRuns, openTestImports } from './open.js';
import { formats, rawRecords, storedRows } from './records.js';

const lines = formats.lines!(rawRecords(5));
const ndjson = { 'content-type': 'application/x-ndjson' };

async function serve(changes: Partial<ImportsOptions> = {}) {
  const dataDir = await temporaryFolder();
  const opened = await openTestImports(dataDir, changes);
  onTestFinished(() => opened.imports.close());
  const server = await startTestServer([importRoutes(opened.imports)]);
  const post = (url: string, payload: string | Buffer | undefined, headers: Record<string, string>) =>
    server.inject({ method: 'POST', url, headers, ...(payload === undefined ? {} : { payload }) });
  const spool = () => readdir(path.join(dataDir, 'imports', 'spool'));
  return { ...opened, dataDir, server, post, spool };
}

interface Part {
  name: string;
  content: string | Buffer;
  filename?: string;
}

function form(parts: Part[], ended = true): { payload: Buffer; headers: Record<string, string> } {
  const chunks = parts.flatMap(({ name, content, filename }) => [
    Buffer.from(
      `--boundary\r\nContent-Disposition: form-data; name="${name}"${filename === undefined ? '' : `; filename="${filename}"`}\r\n\r\n`,
    ),
    Buffer.from(content),
    Buffer.from('\r\n'),
  ]);
  const payload = Buffer.concat([...chunks, Buffer.from(ended ? '--boundary--\r\n' : '')]);
  return { payload, headers: { 'content-type': 'multipart/form-data; boundary=boundary' } };
}

const file = (content: string | Buffer): Part => ({ name: 'file', content, filename: 'any name.txt' });

describe('uploads', () => {
  it('as a form are accepted with 202 and where to look, or answered when done', async () => {
    const { post, server, lanceUri } = await serve();
    const { payload, headers } = form([{ name: 'skip_duplicate_check', content: 'false' }, file(lines)]);
    const accepted = await post('/api/import/json', payload, headers);
    expect(accepted.statusCode).toBe(202);
    expect(accepted.headers.location).toBe(`/api/import/status/${accepted.json().task_id}`);
    expect(accepted.json()).toMatchObject({ success: false, status: 'pending', errors: [], warnings: [] });

    const replacing = form([file(gzipSync(lines)), { name: 'on_conflict', content: 'replace' }]);
    const done = await post('/api/import/json?wait=true', replacing.payload, replacing.headers);
    expect(done.statusCode).toBe(200);
    expect(done.json()).toMatchObject({ success: true, status: 'completed', progress: 100, imported_count: 5 });
    const status = await server.inject(`/api/import/status/${accepted.json().task_id}`);
    expect(status.json()).toMatchObject({ status: 'completed', imported_count: 5, skipped_count: 0 });
    expect(await storedRows(lanceUri)).toHaveLength(5);
  });

  it.each([
    ['application/x-ndjson', lines],
    ['application/json; charset=utf-8', formats.array!(rawRecords(5))],
    ['application/jsonl', lines],
    ['application/octet-stream', formats.pretty!(rawRecords(5))],
    ['application/gzip', gzipSync(lines)],
  ])('as a raw body of %s are streamed in', async (type, payload) => {
    const { post } = await serve();
    const answer = await post('/api/import?wait=1', payload, { 'content-type': type });
    expect([answer.statusCode, answer.json().imported_count]).toEqual([200, 5]);
  });

  it('may come with Content-Encoding gzip, and then must be gzip', async () => {
    const { post, spool } = await serve();
    const gzip = { ...ndjson, 'content-encoding': 'gzip' };
    expect((await post('/api/import?wait=true', gzipSync(lines), gzip)).json()).toMatchObject({ imported_count: 5 });
    const plain = await post('/api/import', lines, gzip);
    expect([plain.statusCode, plain.json().code]).toEqual([400, 'IMPORT_UPLOAD_INVALID']);
    const br = await post('/api/import', lines, { ...ndjson, 'content-encoding': 'br' });
    expect([br.statusCode, br.json().code]).toEqual([415, 'IMPORT_ENCODING_UNSUPPORTED']);
    expect(await spool()).toEqual([]);
  });

  it.each([
    ['no file', form([{ name: 'on_conflict', content: 'skip' }])],
    ['two files', form([file(lines), file(lines)])],
    ['three files', form([file(lines), file(lines), file(lines)])],
    ['a file of another name', form([{ ...file(lines), name: 'upload' }])],
    ['an unknown field', form([file(lines), { name: 'colour', content: 'red' }])],
    [
      'a field twice',
      form([file(lines), { name: 'on_conflict', content: 'skip' }, { name: 'on_conflict', content: 'skip' }]),
    ],
    ['a wrong value', form([file(lines), { name: 'on_conflict', content: 'merge' }])],
    ['a long value', form([file(lines), { name: 'on_conflict', content: 'x'.repeat(3000) }])],
    [
      'options that exclude each other',
      form([file(lines), { name: 'on_conflict', content: 'replace' }, { name: 'skip_duplicate_check', content: '1' }]),
    ],
    ['a field named __proto__', form([file(lines), { name: '__proto__', content: 'x' }])],
    ['a field named toString', form([{ ...file(lines), name: 'toString' }])],
    ['a thousand fields', form([...Array(1000).fill({ name: 'on_conflict', content: 'skip' }), file(lines)])],
    ['no last boundary', form([file(lines)], false)],
    ['no part at all', { payload: Buffer.from('--boundary--\r\n'), headers: form([]).headers }],
    ['no boundary', { payload: Buffer.from('x'), headers: { 'content-type': 'multipart/form-data' } }],
    ['nothing', { payload: Buffer.alloc(0), headers: form([]).headers }],
  ])('as a form with %s are 400 and leave nothing', async (_name, { payload, headers }) => {
    const { post, spool, imports } = await serve();
    const answer = await post('/api/import/json', payload, headers);
    expect(answer.statusCode, answer.body).toBe(400);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.json().code).toMatch(/^IMPORT_UPLOAD_(INVALID|BROKEN)$/);
    expect(await spool()).toEqual([]);
    expect(imports.history(1, 0).total).toBe(0);
  });

  it('of other media types, without a body, or with unknown parameters are refused', async () => {
    const { post } = await serve();
    expect((await post('/api/import', lines, { 'content-type': 'text/plain' })).statusCode).toBe(415);
    expect((await post('/api/import', lines, form([]).headers)).statusCode).toBe(415);
    expect((await post('/api/import/json', lines, ndjson)).statusCode).toBe(415);
    expect((await post('/api/import', undefined, {})).json().code).toBe('IMPORT_UPLOAD_INVALID');
    for (const query of [
      'colour=red',
      'wait=maybe',
      'wait=true&wait=true',
      'on_conflict=merge',
      'skip_duplicate_check=',
    ]) {
      const answer = await post(`/api/import?${query}`, lines, ndjson);
      expect([answer.statusCode, answer.json().code], query).toEqual([400, 'INPUT_INVALID']);
    }
    const both = await post('/api/import?skip_duplicate_check=true&on_conflict=replace', lines, ndjson);
    expect(both.json().code).toBe('IMPORT_UPLOAD_INVALID');
  });

  it('beyond the size limit are 413, and 429 when too many wait', async () => {
    const held = heldRuns();
    const { post, spool } = await serve({ maxUploadBytes: 300_000, maxPending: 1, startRun: held.startRun });
    const large = `${lines}${' '.repeat(290_000)}\n`;
    expect((await post('/api/import', 'x'.repeat(300_001), ndjson)).json().code).toBe('IMPORT_UPLOAD_TOO_LARGE');
    const tooLarge = form([file('x'.repeat(300_001))]);
    expect((await post('/api/import/json', tooLarge.payload, tooLarge.headers)).statusCode).toBe(413);
    await post('/api/import', large, ndjson);
    await held.started;
    await post('/api/import', lines, ndjson);
    const refused = await post('/api/import', lines, ndjson);
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '10']);
    expect((await spool()).length).toBe(2);
    held.go();
  });
});

describe('broken off uploads over a real socket', () => {
  async function until(condition: () => Promise<boolean>): Promise<void> {
    for (let i = 0; i < 100_000; i++) {
      if (await condition()) return;
      await turn();
    }
    throw new Error('expected the condition to come true');
  }

  it.each([
    ['raw, wrong length', 'application/x-ndjson', lines],
    [
      'form',
      form([]).headers['content-type']!,
      form([file(lines)])
        .payload.toString()
        .slice(0, -30),
    ],
    [
      'form without its file yet',
      form([]).headers['content-type']!,
      '--boundary\r\nContent-Disposition: form-data; name="on_',
    ],
    ['gzip', 'application/gzip', gzipSync(lines).subarray(0, 100).toString('latin1')],
  ])('(%s) leave no file and no task', async (_name, type, part) => {
    const { server, spool, imports } = await serve();
    await server.listen({ port: 0, host: '127.0.0.1' });
    const { port } = server.server.address() as AddressInfo;
    const url = type.startsWith('multipart') ? '/api/import/json' : '/api/import';
    for (const how of ['reset', 'end', 'chunk'] as const) {
      const socket = net.connect(port, '127.0.0.1');
      socket.on('error', () => {});
      const length = how === 'chunk' ? 'Transfer-Encoding: chunked' : 'Content-Length: 1000000';
      socket.write(`POST ${url} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\n${length}\r\n\r\n`);
      const body = Buffer.from(part, 'latin1');
      socket.write(how === 'chunk' ? Buffer.concat([Buffer.from('ffffff\r\n'), body]) : body);
      if (!_name.includes('yet')) await until(async () => (await spool()).length === 1);
      if (how === 'reset') socket.resetAndDestroy();
      else socket.end();
      socket.resume();
      await once(socket, 'close');
      await until(async () => (await spool()).length === 0);
    }
    expect(imports.history(1, 0).total).toBe(0);
    expect((await server.inject('/api/import/history')).statusCode).toBe(200);
  });
});

describe('the other addresses', () => {
  it('import a file by path, and answer the same for outside and missing', async () => {
    const { post, inbox, server } = await serve();
    await mkdir(inbox);
    await writeFile(path.join(inbox, 'a'), lines);
    const json = { 'content-type': 'application/json' };
    const ask = (body: unknown, query = '') => post(`/api/import/from-path${query}`, JSON.stringify(body), json);
    const done = await ask({ file_path: 'a', file_type: 'jsonl', on_conflict: 'skip' }, '?wait=true');
    expect([done.statusCode, done.json().imported_count]).toEqual([200, 5]);
    expect((await ask({ file_path: 'a', skip_duplicate_check: true })).statusCode).toBe(202);
    const [outside, missing] = [await ask({ file_path: '/etc/passwd' }), await ask({ file_path: 'nothing' })];
    expect([outside.statusCode, missing.statusCode]).toEqual([404, 404]);
    expect(outside.json()).toEqual(missing.json());
    for (const bad of [
      {},
      { file_path: '' },
      { file_path: 3 },
      { file_path: 'a', x: 1 },
      { file_path: 'a', file_type: 'exe' },
      [],
    ]) {
      expect((await ask(bad)).statusCode, JSON.stringify(bad)).toBe(400);
    }
    expect((await server.inject('/api/import/allowed-directories')).json()).toEqual({ directories: [inbox] });
  });

  it('tell the status, the history and the errors as text or JSON', async () => {
    const { post, server } = await serve();
    const { task_id } = (await post('/api/import?wait=true', `${lines}x\n{}\n${lines}`, ndjson)).json();
    const history = (await server.inject('/api/import/history?limit=1')).json();
    expect(history).toMatchObject({ total: 1, data: [{ task_id, failed_count: 2 }] });
    expect(history.data[0]).not.toHaveProperty('errors');
    const text = await server.inject(`/api/import/logs/${task_id}`);
    expect(text.headers['content-type']).toBe('text/plain; charset=utf-8');
    const expected = [/^Line 6: not valid JSON/, /^Line 7: .*required/, /^Warning: 5 records skipped/, /^$/];
    for (const [i, line] of text.body.split('\n').entries()) expect(line).toMatch(expected[i]!);
    const asJson = await server.inject({ url: `/api/import/logs/${task_id}`, headers: { accept: 'application/json' } });
    expect(asJson.json()).toMatchObject({
      task_id,
      errors: [/^Line 6/, /^Line 7/].map((line) => expect.stringMatching(line)),
    });
    expect((await server.inject(`/api/import/logs/${task_id}?format=json`)).json().warnings).toHaveLength(1);
  });

  it('answer 404 for unknown imports, 409 for ended ones, 400 for bad parameters', async () => {
    const { post, server } = await serve();
    for (const id of ['x', '..%2f..%2fetc', '00000000-0000-4000-8000-000000000000', '%00', "'"]) {
      for (const url of [`/api/import/status/${id}`, `/api/import/logs/${id}`]) {
        expect((await server.inject(url)).json().code, url).toBe('IMPORT_TASK_NOT_FOUND');
      }
      expect((await post(`/api/import/cancel/${id}`, undefined, {})).statusCode).toBe(404);
    }
    const { task_id } = (await post('/api/import?wait=true', lines, ndjson)).json();
    const cancel = await post(`/api/import/cancel/${task_id}`, undefined, {});
    expect([cancel.statusCode, cancel.json().code]).toEqual([409, 'IMPORT_ALREADY_FINISHED']);
    for (const url of [
      'history?limit=0',
      'history?limit=1001',
      'history?limit=x',
      'history?limit=0x10',
      'history?limit=1e2',
      'history?limit=',
      'history?offset=1000001',
      'history?offset=-1',
      'history?x=1',
      `status/${task_id}?x=1`,
    ]) {
      expect((await server.inject(`/api/import/${url}`)).statusCode, url).toBe(400);
    }
  });

  it('cancel a waiting import', async () => {
    const held = heldRuns();
    const { post } = await serve({ startRun: held.startRun });
    const large = `${lines}${' '.repeat(290_000)}\n`;
    await post('/api/import', large, ndjson);
    await held.started;
    const { task_id } = (await post('/api/import', lines, ndjson)).json();
    const cancelled = await post(`/api/import/cancel/${task_id}`, undefined, {});
    expect([cancelled.statusCode, cancelled.json().status]).toEqual([200, 'cancelled']);
    held.go();
  });

  it('stand in the OpenAPI document', async () => {
    const { server } = await serve();
    const document = (await server.inject('/openapi.json')).json();
    const paths = Object.keys(document.paths).filter((name) => name.startsWith('/api/import'));
    expect(paths.sort()).toEqual([
      '/api/import',
      '/api/import/allowed-directories',
      '/api/import/cancel/{task_id}',
      '/api/import/errors/{task_id}',
      '/api/import/events/{task_id}',
      '/api/import/from-path',
      '/api/import/history',
      '/api/import/json',
      '/api/import/logs/{task_id}',
      '/api/import/status/{task_id}',
    ]);
    expect(Object.keys(document.paths['/api/import'].post.responses)).toEqual(
      expect.arrayContaining(['200', '202', '400', '429']),
    );
  });
});
