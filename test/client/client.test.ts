import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ClientError, createClient } from '../../src/client/index.js';
import { openTestApp, type TestApp } from '../support/app.js';

async function serve(environment: NodeJS.ProcessEnv = {}): Promise<TestApp & { url: string }> {
  const app = await openTestApp({ environment });
  const url = await app.server.listen({ port: 0, host: '127.0.0.1' });
  return Object.assign(app, { url });
}

const node = (id: string) => ({ id, type: 'text' as const, text: `节点 ${id}`, x: 0, y: 0, width: 10, height: 10 });
const refusal = (call: Promise<unknown>) =>
  call.then(
    () => expect.unreachable('the call was answered'),
    (error: unknown) => {
      expect(error).toBeInstanceOf(ClientError);
      return error as ClientError;
    },
  );

describe('the client', () => {
  it('stores, reads, edits, lists and follows canvases', async () => {
    const { canvases, memory } = createClient({ url: (await serve()).url });
    const params = { path: '笔记/plan 1.canvas' };
    const leave = new AbortController();
    const changes = canvases.followCanvases({ signal: leave.signal });
    const first = changes.next();

    const stored = await canvases.putCanvas({ params, body: { nodes: [node('a')], edges: [] } });
    expect(stored).toMatchObject({ status: 201, body: { path: params.path, etag: stored.headers.get('etag') } });
    const added = await canvases.addNode({ params, body: node('b'), headers: { 'if-match': stored.body.etag } });
    const read = await canvases.getCanvas({ params });
    expect(read.status === 200 && read.body.nodes?.map(({ id }) => id)).toEqual(['a', 'b']);
    const known = await canvases.getCanvas({ params, headers: { 'if-none-match': added.body.etag } });
    expect(known).toMatchObject({ status: 304, body: undefined });
    const { body } = await canvases.listCanvases({ query: { prefix: '笔记/', limit: 1 } });
    expect(body.data).toMatchObject([{ path: params.path }]);
    expect((await canvases.deleteNode({ params: { ...params, id: 'a' } })).status).toBe(204);
    expect((await canvases.listVersions({ params })).body.data.length).toBeGreaterThan(0);

    expect((await first).value).toMatchObject({ event: 'change', data: { path: params.path, kind: 'created' } });
    leave.abort();
    await expect(changes.next()).rejects.toThrow();
    const found = await memory.searchKnowledge({ body: { query: 'nothing yet', group_ids: ['none'] } });
    expect(found.body).toMatchObject({ results: [] });
  });

  it('imports, follows the import to its end, lists, searches and exports', async () => {
    const { trajectories, analysis, admin, monitoring } = createClient({ url: (await serve()).url });
    const lines = ['t1', 't2', 't/3'].map((id, i) =>
      JSON.stringify({ trajectory_id: id, data_id: 'q', task: { question: '什么是极限' }, reward: i }),
    );
    const accepted = await trajectories.importStream({ body: lines.join('\n'), query: { wait: false } });
    expect(accepted.status).toBe(202);
    const events = [];
    const params = { task_id: accepted.body.task_id };
    for await (const { event, data } of trajectories.importEvents({ params })) events.push({ event, data });
    expect(events.at(-1)).toMatchObject({ event: 'end', data: { imported_count: 3 } });

    const page = await trajectories.listTrajectories({ query: { pageSize: 2, reward_min: 1, sort_by: 'reward' } });
    expect(page.body).toMatchObject({ total: 2, pageSize: 2 });
    const one = await trajectories.getTrajectory({ params: { trajectory_id: 't/3' } });
    expect(one.body).toMatchObject({ trajectory_id: 't/3', isSuccess: true });
    const tags = await trajectories.setTrajectoryTags({ params: { trajectory_id: 't1' }, body: { tags: ['好'] } });
    expect(tags.body.tags).toEqual(['好']);
    const file = await trajectories.exportTrajectories({ query: { format: 'json' } });
    let text = '';
    for await (const piece of file.body.pipeThrough(new TextDecoderStream())) text += piece;
    expect(JSON.parse(text)).toHaveLength(3);
    expect((await analysis.getAnalysisStatistics({ query: { k: 1 } })).body.total_count).toBe(3);
    expect((await admin.clearCache({ body: { cache: 'all' } })).body.cleared).toHaveProperty('query');
    expect((await monitoring.getMetrics()).body).toContain('canvas_api_requests_total');
  });

  it('sends a form, a stream and bytes as they are', async () => {
    const { trajectories, analysis } = createClient({ url: (await serve()).url });
    const line = (id: string) => JSON.stringify({ trajectory_id: id, data_id: 'q', reward: 1 });
    const form = new FormData();
    form.set('file', new Blob([line('a')]), 'a.jsonl');
    const uploaded = await trajectories.importUpload({ body: form, query: { wait: true } });
    expect(uploaded).toMatchObject({ status: 200, body: { imported_count: 1 } });
    const stream = new Blob([line('b')]).stream();
    const streamed = await trajectories.importStream({ body: stream, query: { wait: true } });
    expect(streamed).toMatchObject({ status: 200, body: { imported_count: 1 } });
    const rows = await analysis.importAnalysis({
      body: new TextEncoder().encode('{"trajectory_id":"a","is_success":false}'),
    });
    expect(rows.status).toBe(200);
  });

  it('says what the service says when it refuses', async () => {
    const { url } = await serve({ API_TOKEN: 'a-long-enough-token' });
    const { canvases } = createClient({ url, token: 'a-long-enough-token' });
    const missing = await refusal(canvases.getCanvas({ params: { path: 'no.canvas' } }));
    expect(missing).toMatchObject({ code: 'CANVAS_NOT_FOUND', status: 404 });
    expect(missing.message).toBe(`getCanvas: ${missing.detail} (CANVAS_NOT_FOUND)`);
    const invalid = await refusal(canvases.listCanvases({ query: { limit: 0 } }));
    expect(invalid.problem.errors).toMatchObject([{ parameter: 'limit' }]);
    const stranger = await refusal(createClient({ url }).canvases.listCanvases());
    expect(stranger.status).toBe(401);
  });

  it('tells a server that is not the service, and one that is not there', async () => {
    const other = createServer((request, response) => {
      if (request.url?.startsWith('/canvas?'))
        response.writeHead(200, { 'content-type': 'application/json' }).end('<p>');
      else response.writeHead(502).end('<p>bad gateway</p>');
    });
    await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening));
    onTestFinished(() => void other.close());
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
    const { canvases, monitoring } = createClient({ url });
    expect(await refusal(monitoring.getHealth())).toMatchObject({ code: undefined, status: 502 });
    expect(await refusal(canvases.listCanvases({ query: { limit: 1 } }))).toMatchObject({ status: 200 });
    other.closeAllConnections();
    await new Promise((closed) => other.close(closed));
    const away = await refusal(monitoring.getHealth());
    expect(away).toMatchObject({ code: undefined, status: undefined });
    expect(away.message).toContain('cannot be reached');
    const calledOff = monitoring.getHealth({ signal: AbortSignal.abort() });
    await expect(calledOff).rejects.not.toBeInstanceOf(ClientError);
  });
});
