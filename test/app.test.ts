import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { openTestApp, type TestApp } from './support/app.js';
import { temporaryFolder } from './support/folder.js';

const canvas = (text: string) =>
  `{\n\t"nodes":[\n\t\t{"id":"a","type":"text","text":"${text}","x":0,"y":0.5,"width":10,"height":10}\n\t],\n\t"edges":[]\n}`;

const record = (number: number) =>
  JSON.stringify({
    trajectory_id: `t${number}`,
    data_id: `q${number % 3}`,
    task: { question: `如何配置 ${number}？`, ground_truth: '' },
    reward: number / 10 - 1,
    agent_name: number % 2 ? "O'Brien_100%" : 'AgentA',
  });

const put = ({ server }: TestApp, name: string, text: string) =>
  server.inject({
    method: 'PUT',
    url: `/canvas/${name}`,
    headers: { 'content-type': 'application/json' },
    payload: canvas(text),
  });

const importRecords = ({ server }: TestApp, count: number) =>
  server.inject({
    method: 'POST',
    url: '/api/import?wait=true',
    headers: { 'content-type': 'application/x-ndjson' },
    payload: Array.from({ length: count }, (_, i) => record(i)).join('\n'),
  });

/** Answers that must not depend on any flag. */
async function answers({ server }: TestApp) {
  const urls = [
    '/canvas/notes/%E7%AC%94%E8%AE%B0.canvas',
    '/canvas/missing.canvas',
    '/api/trajectories?sort_by=reward&pageSize=5',
    '/api/trajectories?agent_name=O%27Brien*&reward_min=0&page=2&pageSize=4',
    '/api/trajectories?question=%E9%85%8D%E7%BD%AE%201&sort_by=trajectory_id&sort_order=asc',
    '/api/trajectories?is_success=true&pageSize=1',
    '/api/trajectories/t7',
    '/api/trajectories/nobody',
  ];
  const all = [];
  for (const url of urls) {
    const { statusCode, body, headers } = await server.inject({ url });
    all.push({ url, statusCode, body, etag: headers.etag });
  }
  return all;
}

test('every answer is the same with all optimisations on and off, and a flip is live without a restart', async () => {
  const app = await openTestApp();
  expect((await put(app, 'notes/%E7%AC%94%E8%AE%B0.canvas', '你好')).statusCode).toBe(201);
  const imported = await importRecords(app, 40);
  expect(imported.json()).toMatchObject({ status: 'completed', imported_count: 40, failed_count: 0 });
  const analysed = await app.server.inject({
    method: 'PUT',
    url: '/api/trajectories/t7/analysis',
    payload: { is_success: true, category: 'lucky', root_cause: '', suggestion: '' },
  });
  expect(analysed.statusCode).toBe(200);
  const optimised = await answers(app);
  expect(optimised.map(({ statusCode }) => statusCode)).toEqual([200, 404, 200, 200, 200, 200, 200, 404]);

  await writeFile(app.flagsFile, 'enabled: false\n');
  const effective = async () => (await app.server.inject({ url: '/admin/flags' })).json().flags.native_query.effective;
  await vi.waitUntil(async () => (await effective()) === false, { timeout: 2000, interval: 50 });
  expect(await answers(app)).toEqual(optimised);
});

test('a bad edit of the flags leaves everything as it was, also when asked to reload', async () => {
  const app = await openTestApp();
  await writeFile(app.flagsFile, 'enabled: maybe\n');
  app.reload();
  const answer = await app.server.inject({ method: 'POST', url: '/admin/reload' });
  expect([answer.statusCode, answer.json().code]).toEqual([422, 'OPTIMIZATION_CONFIG_INVALID']);
  const { flags } = (await app.server.inject({ url: '/admin/flags' })).json();
  expect(Object.values(flags).every((flag) => (flag as { effective: boolean }).effective)).toBe(true);
  const metrics = (await app.server.inject({ url: '/metrics' })).body;
  expect(metrics).toContain('canvas_config_reload_success 0');
});

test('both files are read again when asked, also when one of them is not good or was never there', async () => {
  const folder = await temporaryFolder();
  const alertsFile = path.join(folder, 'alerts.yaml');
  const app = await openTestApp({ folder, environment: { ALERTS_CONFIG: alertsFile } });
  const reload = async () => (await app.server.inject({ method: 'POST', url: '/admin/reload' })).json();
  await writeFile(app.flagsFile, 'enabled: true\nnative_query: {enabled: false}\n');
  expect(await reload()).toMatchObject({ changed: ['native_query'] });
  await writeFile(alertsFile, 'rules: none\n');
  await writeFile(app.flagsFile, 'enabled: true\n');
  expect(await reload()).toMatchObject({ code: 'ALERT_CONFIG_INVALID' });
  const { flags } = (await app.server.inject({ url: '/admin/flags' })).json();
  expect(flags.native_query).toMatchObject({ effective: true });
});

test('closing stores what was accepted, and the next start finds it', async () => {
  const first = await openTestApp();
  const accepted = await first.server.inject({
    method: 'PUT',
    url: '/canvas/later.canvas',
    headers: { 'content-type': 'application/json', prefer: 'respond-async' },
    payload: canvas('later'),
  });
  expect(accepted.statusCode).toBe(202);
  await importRecords(first, 3);
  await first.close();
  expect(await readFile(path.join(first.vault, 'later.canvas'), 'utf8')).toBe(canvas('later'));

  const second = await openTestApp({ folder: first.folder });
  expect((await second.server.inject({ url: '/canvas/later.canvas' })).body).toBe(canvas('later'));
  expect((await second.server.inject({ url: '/api/trajectories' })).json().total).toBe(3);
});

test('the parts count what they do: /metrics shows requests by route, canvases, imports and queries', async () => {
  const app = await openTestApp();
  await put(app, 'a.canvas', 'one');
  await app.server.inject({ url: '/canvas/a.canvas' });
  await importRecords(app, 5);
  await app.server.inject({ url: '/api/trajectories' });
  const { body, headers } = await app.server.inject({ url: '/metrics' });
  expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(body).toMatch(/canvas_api_requests_total\{method="PUT",endpoint="\/canvas\/:path",status="201"\} 1/);
  expect(body).toMatch(/canvas_import_rows_total\{outcome="imported"\} 5/);
  expect(body).not.toContain('a.canvas');
});

test('what statistics are made from follows an import before anybody asks', async () => {
  const app = await openTestApp();
  await importRecords(app, 4);
  await vi.waitFor(async () => {
    const { body } = await app.server.inject({ url: '/metrics' });
    expect(body).toContain('canvas_figures_rows_total{kind="questions"} 4');
  }, 10_000);
});

test('every route is in the OpenAPI document, with an id, a summary and its problems', async () => {
  const app = await openTestApp();
  const document = (await app.server.inject({ url: '/openapi.json' })).json();
  const operations = Object.entries(document.paths as Record<string, Record<string, Record<string, unknown>>>).flatMap(
    ([url, methods]) => Object.entries(methods).map(([method, operation]) => ({ url, method, operation })),
  );
  expect(operations.length).toBeGreaterThan(15);
  for (const { url, method, operation } of operations) {
    expect(operation, `${method} ${url}`).toMatchObject({
      operationId: expect.stringMatching(/^\w+$/),
      summary: expect.any(String),
      tags: [expect.any(String)],
    });
  }
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

test('the dashboard shows the flags, the caches and the limits of the service that serves it', async () => {
  const app = await openTestApp();
  expect((await app.server.inject({ url: '/dashboard' })).statusCode).toBe(200);
  const origin = await app.server.listen({ host: '127.0.0.1', port: 0 });
  const leave = new AbortController();
  const answer = await fetch(`${origin}/dashboard/events`, { signal: leave.signal });
  let text = '';
  for await (const part of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part;
    if (text.includes('data: ') && text.endsWith('\n\n')) break;
  }
  leave.abort();
  const snapshot = JSON.parse(text.slice(text.indexOf('data: ') + 6));
  expect(Object.keys(snapshot.flags)).toEqual(Object.keys((await app.server.inject('/admin/flags')).json().flags));
  expect(snapshot.caches.length).toBeGreaterThan(3);
  expect(snapshot.scheduler.limit).toBeGreaterThan(0);
  expect(snapshot).toMatchObject({ version: '0.0.0-test', model: false, imports: { running: 0, latest: [] } });
});
