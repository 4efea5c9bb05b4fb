import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openTestApp, type TestApp } from '../support/app.js';

/** Everything is compared, at once. */
const flagsFile =
  'verification: {sample_rate: 1, max_time_ratio: 1, max_load_ratio: 1}\nbatch_writer: {window_ms: 10}\n';
export const ndjson = { 'content-type': 'application/x-ndjson' };
export const trajectory = (id: string, number: number) =>
  JSON.stringify({
    trajectory_id: id,
    data_id: `q-${number % 3}`,
    agent_name: `Agent${'AB'[number % 2]}`,
    reward: number / 10,
    task: { question: `第${number}题 sum of ${number}` },
    created_at: 1_760_000_000 + number,
  });
export const canvasText = (word: string) =>
  JSON.stringify({ nodes: [{ id: 'a', type: 'text', text: word, x: 0, y: 0, width: 9, height: 9 }], edges: [] });

/** A service with a canvas, thirty trajectories with analysis, learning events and facts; `folder`: of one that was closed. */
export async function openFilled(folder?: string): Promise<TestApp> {
  const app = await openTestApp({ flags: flagsFile, ...(folder !== undefined && { folder }) });
  if (folder !== undefined) return app;
  const { server, vault } = app;
  await mkdir(vault, { recursive: true });
  await writeFile(path.join(vault, 'a.canvas'), canvasText('节点'.repeat(60)));
  const post = (url: string, payload: string | object, headers = {}) =>
    server.inject({ method: 'POST', url, payload, headers });
  const rows = Array.from({ length: 30 }, (_, i) => trajectory(`t-${i}`, i));
  await post('/api/import?wait=true', rows.join('\n'), ndjson);
  const verdict = { is_success: true, category: '类别', root_cause: 'x', suggestion: '' };
  const verdicts = rows.map((_, i) => JSON.stringify({ trajectory_id: `t-${i}`, ...verdict }));
  await post('/api/analysis/import', verdicts.join('\n'), ndjson);
  const timestamp = new Date(Date.now() - 3_600_000).toISOString();
  const events = Array.from({ length: 9 }, (_, i) => ({
    event_type: `kind-${i % 3}`,
    canvas_path: 'a.canvas',
    timestamp,
  }));
  await post('/memory/events/batch', { events });
  for (const content of ['极限是微积分的基础', '导数是极限']) await post('/knowledge/add', { content, group_id: 'g' });
  return app;
}

export const get = async ({ server }: TestApp, url: string) => (await server.inject(url)).body;
export const clearCaches = ({ server }: TestApp, cache = 'all') =>
  server.inject({ method: 'POST', url: '/admin/cache/clear', payload: { cache } });
