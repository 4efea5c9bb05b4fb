import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readdir, readFile, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { readSettings } from '../src/settings.js';
import { temporaryFolder } from './support/folder.js';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/** The real process, as `npm start` runs it, from the sources. */
function start(env: Record<string, string>) {
  const child = spawn(process.execPath, ['--import', 'tsx', main], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  const waiting: { text: string; found: () => void }[] = [];
  const collect = (chunk: Buffer) => {
    output += chunk.toString();
    for (const { text, found } of waiting) if (output.includes(text)) found();
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const says = (text: string) =>
    new Promise<void>((found) => {
      waiting.push({ text, found });
      if (output.includes(text)) found();
    });
  const places = async (): Promise<Record<string, string>> => {
    await says('"msg":"listening"');
    const line = output.split('\n').find((text) => text.includes('"msg":"listening"'));
    return JSON.parse(line ?? '{}');
  };
  const origin = async () => (await places()).api ?? '';
  return { child, says, output: () => output, places, origin, exited: exitOf(child) };
}

const exitOf = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('exit', resolve));

test('a setting that cannot be used is named, and nothing is started', async () => {
  const folder = await temporaryFolder();
  const service = start({ PORT: 'eighty', DATA_DIR: folder });
  expect(await service.exited).toBe(1);
  expect(service.output()).toContain('PORT: expected a port number, got "eighty"');
  expect(service.output()).not.toMatch(/\n\s+at /);
});

test('it says where everything is, serves, and on SIGTERM stores what was accepted and exits cleanly', {
  timeout: 60_000,
}, async () => {
  const folder = await temporaryFolder();
  const service = start({ PORT: '0', DATA_DIR: folder });
  const places = await service.places();
  for (const name of ['api', 'documentation', 'dashboard', 'metrics']) expect(places[name]).toMatch(/^http:/);
  expect((await fetch(places.dashboard ?? '')).status).toBe(200);

  const body = '{"nodes":[],"edges":[]}';
  const headers = { 'content-type': 'application/json', prefer: 'respond-async' };
  const answer = await fetch(`${places.api}/canvas/last.canvas`, { method: 'PUT', headers, body });
  expect(answer.status).toBe(202);
  // Temporary files of native code would stay in the system's folder for ever when a process is killed.
  expect(await readdir(readSettings({ DATA_DIR: folder }).temporaryDir)).not.toEqual([]);
  service.child.kill('SIGTERM');
  expect(await service.exited).toBe(0);
  expect(await readFile(path.join(folder, 'vault', 'last.canvas'), 'utf8')).toBe(body);
});

test('on SIGHUP it reads the configuration at once, an edit or not, and serves on', async () => {
  const folder = await temporaryFolder();
  const config = path.join(folder, 'optimization.yaml');
  await writeFile(config, 'fast_json:\n  enabled: true\n');
  const service = start({ PORT: '0', DATA_DIR: folder, OPTIMIZATION_CONFIG: config });
  const { api = '', metrics = '' } = await service.places();
  const readings = async () =>
    /^canvas_config_reloads_total\{result="success"\} (\d+)$/m.exec(await (await fetch(metrics)).text())?.[1];
  const before = Number(await readings());
  // Nothing else reads a file that nobody has touched.
  service.child.kill('SIGHUP');
  while (Number(await readings()) !== before + 1);

  await writeFile(config, 'fast_json:\n  enabled: false\n');
  service.child.kill('SIGHUP');
  await service.says('"audit":true,"flag":"fast_json"');
  const { flags } = (await (await fetch(`${api}/admin/flags`)).json()) as { flags: Record<string, unknown> };
  expect(flags.fast_json).toMatchObject({ enabled: false, effective: false });
  service.child.kill('SIGTERM');
  expect(await service.exited).toBe(0);
});

test('a stop waits neither for a body that has stalled nor for a reader that has: the journal is empty and nothing is locked', {
  timeout: 60_000,
}, async () => {
  const folder = await temporaryFolder();
  const service = start({ PORT: '0', DATA_DIR: folder });
  const origin = await service.origin();
  const text = 'x'.repeat(14 * 1024 * 1024);
  const body = `{"nodes":[{"id":"a","type":"text","text":"${text}","x":0,"y":0,"width":1,"height":1}],"edges":[]}`;
  const headers = { 'content-type': 'application/json', prefer: 'respond-async' };
  expect((await fetch(`${origin}/canvas/a.canvas`, { method: 'PUT', headers, body })).status).toBe(202);
  const ask = async (head: string): Promise<Socket> => {
    const socket = connect(Number(new URL(origin).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(`${head}\r\nHost: 127.0.0.1\r\n`);
    return socket;
  };
  const sender = await ask('PUT /canvas/b.canvas HTTP/1.1');
  sender.write('Content-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n{"nodes"');
  const reader = await ask('GET /canvas/a.canvas HTTP/1.1');
  reader.write('\r\n');
  await Promise.all([once(sender, 'data'), once(reader, 'readable')]);
  service.child.kill('SIGTERM');
  expect(await service.exited).toBe(0);
  expect(await readFile(path.join(folder, 'vault', 'a.canvas'), 'utf8')).toBe(body);
  expect(await readdir(path.join(folder, 'journal'))).toEqual([]);
  const left = [...(await readdir(folder)), ...(await readdir(path.join(folder, 'vault')))];
  expect(left.filter((name) => name.endsWith('.lock'))).toEqual([]);
});

test('a second start on the data folder is refused with a vault of its own too, touches nothing, and works after a kill', {
  timeout: 120_000,
}, async () => {
  const folder = await temporaryFolder();
  const [data, vault, other] = ['data', 'vault', 'other'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];
  const first = start({ PORT: '0', DATA_DIR: data, VAULT_DIR: vault });
  const origin = await first.origin();
  const put = async (name: string) => {
    const headers = { 'content-type': 'application/json' };
    return (await fetch(`${origin}/canvas/${name}`, { method: 'PUT', headers, body: '{"nodes":[],"edges":[]}' }))
      .status;
  };
  expect(await put('before.canvas')).toBe(201);
  const stored = async () => ({
    aside: (await readdir(data)).filter((name) => name.includes('-of-vault-')),
    journal: await readdir(path.join(data, 'journal')),
    owner: await readFile(path.join(data, 'vault.json'), 'utf8'),
  });
  const before = await stored();

  const second = start({ PORT: '0', DATA_DIR: data, VAULT_DIR: other });
  expect(await second.exited).toBe(1);
  expect(second.output()).toContain(`The data folder ${data} is in use by process ${first.child.pid} on host`);
  expect(await stored()).toEqual(before);
  await expect(access(other)).rejects.toMatchObject({ code: 'ENOENT' });

  expect(await put('after.canvas')).toBe(201);
  first.child.kill('SIGKILL');
  await first.exited;
  const third = start({ PORT: '0', DATA_DIR: data, VAULT_DIR: vault });
  for (const name of ['before', 'after']) {
    expect((await fetch(`${await third.origin()}/canvas/${name}.canvas`)).status).toBe(200);
  }
});
