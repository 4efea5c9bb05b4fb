import type { FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { eventBatchSchema, eventBatchValidator, eventsPerTurn } from '../../../src/memory/http/event-batch.js';
import { storeLines } from '../../../src/memory/http/event-lines.js';
import { eventRoutes } from '../../../src/memory/index.js';
import { temporaryFolder } from '../../support/folder.js';
import { startTestServer } from '../../support/server.js';
import { dayMs, eventAt, newYear, openTestEvents } from './event-fixtures.js';

async function openRoutes(options: Parameters<typeof openTestEvents>[1] = {}) {
  const opened = await openTestEvents(await temporaryFolder(), options);
  const server = await startTestServer([eventRoutes(opened.store)]);
  const get = (query: Record<string, string>) =>
    answerOf(server, 'GET', `/memory/events?${new URLSearchParams(query)}`);
  const post = (url: string, body: unknown, type = 'application/json') =>
    answerOf(server, 'POST', url, typeof body === 'string' ? body : JSON.stringify(body), type);
  return { ...opened, server, get, post };
}

async function answerOf(server: FastifyInstance, method: 'GET' | 'POST', url: string, payload?: string, type?: string) {
  const response = await server.inject({
    method,
    url,
    ...(payload === undefined ? {} : { payload, headers: { 'content-type': type ?? '' } }),
  });
  return { status: response.statusCode, body: response.json(), headers: response.headers };
}

const lines = (...values: unknown[]) =>
  values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join('\n');

describe('POST /memory/events', () => {
  it('answers 201 for a new event, 200 for the same again, 409 for another one with its id', async () => {
    const { post, store } = await openRoutes();
    const event = eventAt(1, { event_id: 'e1', metadata: { score: 0.5 } });
    expect(await post('/memory/events', event)).toMatchObject({
      status: 201,
      body: { event_id: 'e1', duplicate: false },
    });
    expect(await post('/memory/events', event)).toMatchObject({
      status: 200,
      body: { event_id: 'e1', duplicate: true },
    });
    expect(await post('/memory/events', { ...event, user_id: 'u' })).toMatchObject({
      status: 409,
      body: { code: 'EVENT_ID_TAKEN', event_ids: ['e1'] },
    });
    const made = await post('/memory/events', eventAt(1));
    expect(made.body.event_id).toMatch(/^[0-9a-f-]{36}$/);
    await store.close();
  });

  it.each([
    [{ event_type: 't' }, '/timestamp'],
    [{ event_type: 't', timestamp: '2025-12-31T10:00:00' }, '/timestamp'],
    [{ event_type: 't', timestamp: '2025-02-29T10:00:00Z' }, '/timestamp'],
    [{ event_type: 't', timestamp: 1_767_225_600 }, '/timestamp'],
    [{ event_type: '', timestamp: '2025-12-31T10:00:00Z' }, '/event_type'],
    [{ event_type: 't', timestamp: '2035-12-31T10:00:00Z' }, '/timestamp'],
    [{ event_type: 't', timestamp: '1999-12-31T10:00:00Z' }, '/timestamp'],
    [{ ...eventAt(1), metadata: { result_count: 1.5 } }, '/metadata/result_count'],
    [{ ...eventAt(1), metadata: { text: 'x'.repeat(70_000) } }, ''],
    [{ ...eventAt(1), unknown: 1 }, '/unknown'],
    [[], '/'],
  ])('refuses %j and names %s', async (event, pointer) => {
    const { post, store } = await openRoutes();
    const { status, body } = await post('/memory/events', event);
    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer }]);
    expect(body.detail).toMatch(/^(the event|\/[\w/]*): \w/);
    await store.close();
  });
});

describe('POST /memory/events/batch', () => {
  it('stores a batch as a whole, tells the ids in order, and counts what was there', async () => {
    const { post, get, store } = await openRoutes();
    const events = [eventAt(2, { event_id: 'b' }), eventAt(1), eventAt(2, { event_id: 'b' })];
    const { status, body } = await post('/memory/events/batch', { events });
    expect(status).toBe(201);
    expect(body).toMatchObject({ accepted: 2, duplicates: 1, event_ids: ['b', expect.any(String), 'b'] });
    expect(await post('/memory/events/batch', { events: [events[0]] })).toMatchObject({
      status: 200,
      body: { accepted: 0 },
    });
    expect(await post('/memory/events/batch', { events: [] })).toMatchObject({ status: 200, body: { accepted: 0 } });
    const faulty = { events: [eventAt(1), eventAt(-400), eventAt(1), eventAt(-500)] };
    expect((await post('/memory/events/batch', faulty)).body).toMatchObject({
      code: 'EVENT_REFUSED',
      errors: [{ pointer: '/events/1/timestamp' }, { pointer: '/events/3/timestamp' }],
    });
    expect((await get({})).body.data).toHaveLength(2);
    await store.close();
  });

  it('takes ten thousand events and no more', async () => {
    const { post, store } = await openRoutes();
    const events = Array.from({ length: 10_001 }, (_, i) => ({ ...eventAt(1), event_id: `e${i}` }));
    expect(await post('/memory/events/batch', { events })).toMatchObject({
      status: 400,
      body: { code: 'INPUT_INVALID' },
    });
    expect(await post('/memory/events/batch', { events: events.slice(1) })).toMatchObject({
      body: { accepted: 10_000 },
    });
    await store.close();
  });

  it('checks a large batch in slices, and names the event that is wrong where it stands', async () => {
    const validate = eventBatchValidator(() => false)({ httpPart: 'body', schema: eventBatchSchema } as never);
    const events = Array.from({ length: 10_000 }, () => eventAt(1));
    let turns = 0;
    let isChecked = false;
    const count = () => {
      turns += 1;
      if (!isChecked) setImmediate(count);
    };
    setImmediate(count);
    await (validate as (value: unknown) => Promise<void>)({ events });
    isChecked = true;
    expect(turns).toBeGreaterThanOrEqual(events.length / eventsPerTurn - 1);

    const { post, store } = await openRoutes();
    const faulty = events.with(1234, { ...eventAt(1), timestamp: 'now' });
    expect((await post('/memory/events/batch', { events: faulty })).body).toMatchObject({
      code: 'INPUT_INVALID',
      errors: [{ pointer: '/events/1234/timestamp' }],
    });
    for (const body of [{}, { events: 'none' }, { events: [], more: 1 }, [], '"text"', null]) {
      expect(await post('/memory/events/batch', body)).toMatchObject({ status: 400, body: { code: 'INPUT_INVALID' } });
    }
    await store.close();
  });

  it('takes events one a line; bad lines are named and stop nothing', async () => {
    const { post, get, store } = await openRoutes();
    const body = lines(
      eventAt(1, { event_id: 'a' }),
      '',
      '{"event_type"',
      eventAt(1, { event_id: 'b' }),
      { event_type: 't', timestamp: 'now' },
      eventAt(3, { event_id: 'a' }),
      eventAt(1, { event_id: 'b' }),
      `{"__proto__":{},"event_type":"t","timestamp":"2025-12-31T10:00:00Z"}`,
      eventAt(-3),
      '['.repeat(200) + ']'.repeat(200),
      `"${'x'.repeat(140_000)}"`,
      eventAt(1, { event_id: 'last' }),
    );
    const answer = await post('/memory/events/batch', body, 'application/x-ndjson');
    expect(answer).toMatchObject({ status: 201, body: { accepted: 3, duplicates: 1, failed: 7 } });
    expect(answer.body.errors.map((error: string) => error.split(':')[0]).sort()).toEqual(
      ['Line 3', 'Line 5', 'Line 6', 'Line 8', 'Line 9', 'Line 10', 'Line 11'].sort(),
    );
    expect((await get({})).body.data.map((event: { event_id: string }) => event.event_id)).toEqual(['last', 'b', 'a']);
    await store.close();
  });

  it('stores a long stream in groups', async () => {
    const { post, store, reports } = await openRoutes();
    const body = lines(...Array.from({ length: 2500 }, (_, i) => eventAt(1 + i / 1000, { event_id: `e${i}` })));
    expect((await post('/memory/events/batch', body, 'application/x-ndjson')).body).toMatchObject({ accepted: 2500 });
    expect(reports.filter(({ type }) => type === 'events_appended')).toHaveLength(3);
    await store.close();
  });

  it('keeps what came before a stream broke off, and says how much', async () => {
    const { store } = await openRoutes();
    async function* broken() {
      yield Buffer.from(`${lines(eventAt(1, { event_id: 'a' }), eventAt(1, { event_id: 'b' }))}\n{"event_`);
      throw new Error('reset');
    }
    await expect(storeLines(broken(), store)).rejects.toMatchObject({
      code: 'EVENT_UPLOAD_BROKEN',
      extra: { accepted: 2, duplicates: 0, failed: 0 },
    });
    await store.close();
  });

  it('refuses compressed lines and other types', async () => {
    const { server, post, store } = await openRoutes();
    const headers = { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' };
    const packed = await server.inject({ method: 'POST', url: '/memory/events/batch', headers, payload: 'x' });
    expect([packed.statusCode, packed.json().code]).toEqual([415, 'EVENT_ENCODING_UNSUPPORTED']);
    expect(await post('/memory/events/batch', 'x', 'text/plain')).toMatchObject({ status: 415 });
    await store.close();
  });
});

describe('GET /memory/events', () => {
  it('pages through a range with a cursor that keeps the range of the first page', async () => {
    const { get, post, clock, store } = await openRoutes();
    const events = Array.from({ length: 10 }, (_, i) => eventAt(i, { event_id: `e${i}` }));
    await post('/memory/events/batch', { events });
    const ids: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { status, body }: Awaited<ReturnType<typeof get>> = await get({
        range: '7d',
        limit: '3',
        ...(cursor ? { cursor } : {}),
      });
      expect(status).toBe(200);
      ids.push(...body.data.map((event: { event_id: string }) => event.event_id));
      cursor = body.next_cursor;
      await clock.advance(60_000);
    }
    expect(ids).toEqual(['e0', 'e1', 'e2', 'e3', 'e4', 'e5', 'e6', 'e7']);
    await store.close();
  });

  it('filters by values exactly, and explains which partitions it opened', async () => {
    const { get, post, store } = await openRoutes();
    const events = ['a', 'b', 'a'].map((canvas_path, i) =>
      eventAt(i + 1, { event_id: `e${i}`, canvas_path, agent_type: 'x' }),
    );
    await post('/memory/events/batch', { events });
    const { body } = await get({ range: '30d', canvas_path: 'a', agent_type: 'x', explain: 'true' });
    expect(body.data.map((event: { event_id: string }) => event.event_id)).toEqual(['e0', 'e2']);
    expect(body.explain).toEqual({ partitions: ['2025-12-31', '2025-12-30', '2025-12-29'], scanned: 2 });
    expect(body.incomplete_partitions).toEqual([]);
    expect((await get({ session_id: 'nobody' })).body).toEqual({
      data: [],
      next_cursor: null,
      incomplete_partitions: [],
    });
    await store.close();
  });

  it('takes times with a zone whose plus sign arrived as a space', async () => {
    const { server, post, store } = await openRoutes();
    await post('/memory/events', eventAt(1, { event_id: 'e' }));
    for (const sign of ['+', '%2B', '%20']) {
      const url = `/memory/events?from=2025-12-31T08:00:00${sign}08:00&to=2025-12-31T08:00:00.001${sign}08:00`;
      expect((await server.inject(url)).json().data).toHaveLength(1);
    }
    await store.close();
  });

  it('shows what a clock ahead has dated, as one of the last days', async () => {
    const { get, post, store } = await openRoutes();
    await post('/memory/events', eventAt(-0.5, { event_id: 'ahead' }));
    expect((await get({ range: '7d' })).body.data).toHaveLength(1);
    await store.close();
  });

  it.each([
    [{ range: '7' }, 'range'],
    [{ range: '0d' }, 'range'],
    [{ range: '7d', from: '2025-12-31T10:00:00Z' }, 'range'],
    [{ from: '2025-12-31T10:00:00Z', to: '2025-12-30T10:00:00Z' }, 'to'],
    [{ from: '2025-12-31T10:00:00Z', to: '2025-12-31T10:00:00Z' }, 'to'],
    [{ from: '2025-12-31' }, 'from'],
    [{ to: '2025-12-31T10:00:00' }, 'to'],
    [{ limit: '0' }, 'limit'],
    [{ limit: '1001' }, 'limit'],
    [{ limit: '-1' }, 'limit'],
    [{ cursor: 'nonsense' }, 'cursor'],
    [{ cursor: Buffer.from('[1,0,10,20,0]').toString('base64url') }, 'cursor'],
    [
      {
        range: '7d',
        cursor: Buffer.from(`[1,${newYear - 30 * dayMs},8640000000000000,${newYear},0]`).toString('base64url'),
      },
      'cursor',
    ],
    [{ explain: 'maybe' }, 'explain'],
    [{ unknown: 'x' }, 'unknown'],
  ])('refuses %j and names the parameter', async (query, parameter) => {
    const { get, store } = await openRoutes();
    const { status, body } = await get(query as unknown as Record<string, string>);
    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ parameter }]);
    await store.close();
  });
});
