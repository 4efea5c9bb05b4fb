import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Problem } from '../../src/errors.js';
import { openUpstream } from '../../src/upstream/index.js';
import {
  announces,
  answersJson,
  answersText,
  breaksOffAfter,
  drips,
  failsWith,
  floods,
  hangs,
  redirectsTo,
  refusingOrigin,
  resets,
  speaksNoHttp,
  stallsAfter,
  startMisbehavingServer,
} from '../support/misbehaving-server.js';
import { key, openTestUpstream } from './open-test-upstream.js';

const problemOf = (call: Promise<unknown>): Promise<Problem> =>
  call.then(
    (value) => {
      throw new Error(`expected a failure, got ${JSON.stringify(value)}`);
    },
    (error) => error as Problem,
  );

describe('a call', () => {
  it('sends JSON and the key to the base URL, and gives the answer', async () => {
    const server = await startMisbehavingServer(answersJson({ ok: true }));
    const { upstream, events } = openTestUpstream(`${server.origin}/v1/`);
    expect(await upstream.postJson('/chat', { text: '你好' })).toEqual({ ok: true });
    expect(await upstream.getJson('/models')).toEqual({ ok: true });
    const [post, get] = server.requests;
    expect(post).toMatchObject({ method: 'POST', url: '/v1/chat', body: '{"text":"你好"}' });
    expect(post?.headers).toMatchObject({ authorization: `Bearer ${key}`, 'content-type': 'application/json' });
    expect(get).toMatchObject({ method: 'GET', url: '/v1/models', body: '' });
    expect(events.map(({ type }) => type)).toEqual(['attempt', 'attempt']);
    expect(upstream.state()).toEqual({ circuit: 'closed', running: 0 });
  });

  it('takes an empty answer to a delete', async () => {
    const server = await startMisbehavingServer(answersText('', 204), answersText('{"gone":1}'));
    const { upstream } = openTestUpstream(server.origin);
    expect(await upstream.delete('/x')).toBeUndefined();
    expect(await upstream.delete('/x')).toEqual({ gone: 1 });
  });

  it.each([
    ['reset connection', resets],
    ['busy server', failsWith(429)],
    ['server error', failsWith(503)],
    ['conflict', failsWith(409)],
    ['answer broken off', breaksOffAfter('{"a":')],
    ['shorter answer than announced', announces(100, '{"a":1}')],
  ])('is repeated after a %s', async (_, behaviour) => {
    const server = await startMisbehavingServer(behaviour, behaviour, answersJson('fine'));
    const { upstream, settled, pauses } = openTestUpstream(server.origin);
    expect(await settled(upstream.postJson('/x', {}))).toBe('fine');
    expect(server.requests).toHaveLength(3);
    // Halfway between the shortest pause of 2 s and the grown one of 4, then 8 s.
    expect(pauses()).toEqual([3, 5]);
  });

  it.each([
    ['400', failsWith(400), 'MODEL_REQUEST_REFUSED', 'non_retryable'],
    ['404', failsWith(404), 'MODEL_REQUEST_REFUSED', 'non_retryable'],
    ['401', failsWith(401), 'MODEL_KEY_REFUSED', 'fatal'],
    ['403', failsWith(403), 'MODEL_KEY_REFUSED', 'fatal'],
    ['402', failsWith(402), 'MODEL_QUOTA_SPENT', 'fatal'],
    ['a spent quota', answersJson({ error: { code: 'insufficient_quota' } }, 429), 'MODEL_QUOTA_SPENT', 'fatal'],
    ['cut JSON', answersText('{"choices": [{"mess'), 'MODEL_ANSWER_INVALID', 'non_retryable'],
    ['HTML', answersText('<html>'), 'MODEL_ANSWER_INVALID', 'non_retryable'],
    ['no UTF-8', answersText(Buffer.from([0x22, 0xff, 0x22])), 'MODEL_ANSWER_INVALID', 'non_retryable'],
    ['half a character', answersText(Buffer.from([0x22, 0xe4])), 'MODEL_ANSWER_INVALID', 'non_retryable'],
    ['nothing', answersText(''), 'MODEL_ANSWER_INVALID', 'non_retryable'],
    ['no HTTP', speaksNoHttp, 'MODEL_ANSWER_INVALID', 'non_retryable'],
  ])('that gets %s is not repeated', async (_, behaviour, code, failureClass) => {
    const server = await startMisbehavingServer(behaviour);
    const { upstream, events } = openTestUpstream(server.origin);
    const problem = await problemOf(upstream.postJson('/x', {}));
    expect(problem).toMatchObject({ code, extra: { upstream: 'model', class: failureClass } });
    expect(server.requests).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({ type: 'gave_up', class: failureClass, attempts: 1 });
  });

  it('names the group of another server than a model by its own codes', async () => {
    const server = await startMisbehavingServer(failsWith(422), failsWith(401), failsWith(402), answersText('?'));
    const { upstream } = openTestUpstream(server.origin, 'network');
    const codes = [];
    for (let i = 0; i < 4; i++) codes.push((await problemOf(upstream.getJson('/x'))).code);
    expect(codes).toEqual([
      'UPSTREAM_REQUEST_REFUSED',
      'UPSTREAM_KEY_REFUSED',
      'UPSTREAM_QUOTA_SPENT',
      'UPSTREAM_ANSWER_INVALID',
    ]);
  });

  it('gives up after the tries of its policy', async () => {
    const server = await startMisbehavingServer(failsWith(500));
    for (const [policy, tries, code] of [
      ['model', 5, 'MODEL_FAILED'],
      ['network', 3, 'UPSTREAM_FAILED'],
      ['embedding', 2, 'MODEL_FAILED'],
    ] as const) {
      const before = server.requests.length;
      const { upstream, settled, events } = openTestUpstream(server.origin, policy, { failures: 99, openMs: 1 });
      expect(await problemOf(settled(upstream.postJson('/x', {})))).toMatchObject({ code, kind: 'upstream_failed' });
      expect(server.requests.length - before).toBe(tries);
      expect(events.at(-1)).toEqual({
        type: 'gave_up',
        upstream: 'model',
        reason: 'failed',
        class: 'retryable',
        attempts: tries,
      });
    }
  });

  it('says that nobody listens', async () => {
    const { upstream, settled } = openTestUpstream(await refusingOrigin(), 'network');
    const problem = await problemOf(settled(upstream.getJson('/x')));
    expect(problem).toMatchObject({ code: 'NETWORK_UNREACHABLE', kind: 'upstream_failed' });
    expect(problem.message).not.toMatch(/127\.0\.0\.1|undici|fetch/);
  });

  it('waits as long as the server asks, in seconds or until a date', async () => {
    const server = await startMisbehavingServer(
      failsWith(429, '7'),
      failsWith(503, 'Thu, 01 Jan 2026 00:00:27 GMT'),
      answersJson(1),
    );
    const { upstream, settled, pauses, events } = openTestUpstream(server.origin);
    expect(await settled(upstream.postJson('/x', {}))).toBe(1);
    // What was asked for, and half of the quarter second over which callers are spread.
    expect(pauses()).toEqual([7.125, 20]);
    expect(events[0]).toMatchObject({ outcome: 'busy', retryAfterSeconds: 7 });
  });

  it('gives up at once, and passes on when to come back, when the server asks for longer than there is', async () => {
    const server = await startMisbehavingServer(failsWith(429, '3600'));
    const { upstream } = openTestUpstream(server.origin);
    const problem = await problemOf(upstream.postJson('/x', {}));
    expect(problem).toMatchObject({ code: 'MODEL_BUSY', kind: 'unavailable', headers: { 'retry-after': '3600' } });
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    ['a number without end', '9'.repeat(400)],
    ['a date in a far year', 'Thu, 01 Jan 9026 00:00:00 GMT'],
  ])('takes %s for a day at most', async (_, asked) => {
    const server = await startMisbehavingServer(failsWith(429, asked));
    const { upstream, events } = openTestUpstream(server.origin);
    const problem = await problemOf(upstream.postJson('/x', {}));
    expect(problem).toMatchObject({ code: 'MODEL_BUSY', headers: { 'retry-after': '86400' } });
    expect(events[0]).toMatchObject({ outcome: 'busy', retryAfterSeconds: 86_400 });
  });

  it('is not repeated when it is marked as a side effect', async () => {
    const server = await startMisbehavingServer(failsWith(503));
    const { upstream } = openTestUpstream(server.origin);
    await problemOf(upstream.postJson('/x', {}, { sideEffect: true }));
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    ['never answers', hangs],
    ['stalls in its answer', stallsAfter('{"a":')],
    ['drips for ever', drips()],
  ])('that %s ends at its time-out', async (_, behaviour) => {
    const server = await startMisbehavingServer(behaviour);
    const { upstream, clock } = openTestUpstream(server.origin);
    const call = problemOf(upstream.postJson('/x', {}, { timeoutMs: 1500, sideEffect: true }));
    await server.arrived(1);
    await clock.advance(1499);
    expect(upstream.state().running).toBe(1);
    await clock.advance(1);
    expect(await call).toMatchObject({ code: 'NETWORK_TIMEOUT', kind: 'upstream_timeout' });
    expect(clock.timers).toBe(0);
  });

  it('that times out again and again ends with the total of its policy', async () => {
    const server = await startMisbehavingServer(hangs);
    const { upstream, clock } = openTestUpstream(server.origin);
    const call = problemOf(upstream.postJson('/x', {}, { timeoutMs: 25_000 }));
    await server.arrived(1);
    await clock.advance(25_000);
    await clock.advance(3000);
    await server.arrived(2);
    await clock.advance(25_000);
    await clock.advance(5000);
    await server.arrived(3);
    // Two seconds of the minute are left.
    await clock.advance(2000);
    expect(await call).toMatchObject({ code: 'NETWORK_TIMEOUT' });
    expect(clock.now()).toBe(60_000);
    expect(server.requests).toHaveLength(3);
  });

  it('takes no more bytes than it may, announced or not', async () => {
    const server = await startMisbehavingServer(floods(2 ** 30), answersText(`"${'x'.repeat(5000)}"`));
    const { upstream } = openTestUpstream(server.origin);
    const before = process.memoryUsage().rss;
    expect(await problemOf(upstream.postJson('/x', {}))).toMatchObject({ code: 'MODEL_ANSWER_TOO_LARGE' });
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
    expect(await problemOf(upstream.getJson('/x', { maxBytes: 5001 }))).toMatchObject({
      code: 'MODEL_ANSWER_TOO_LARGE',
    });
    expect(await upstream.getJson('/x', { maxBytes: 5002 })).toHaveLength(5000);
  });

  it('follows no redirect, so that the key goes nowhere else', async () => {
    const elsewhere = await startMisbehavingServer(answersJson('stolen'));
    const server = await startMisbehavingServer(redirectsTo(`${elsewhere.origin}/x`));
    const { upstream } = openTestUpstream(server.origin);
    expect(await problemOf(upstream.postJson('/x', {}))).toMatchObject({ code: 'MODEL_ANSWER_INVALID' });
    expect(elsewhere.requests).toEqual([]);
  });

  it('keeps the key out of errors and events, even when the server repeats it', async () => {
    const echo = (status: number) => answersJson({ error: { message: `bad key ${key} or sk-other***9` } }, status);
    const server = await startMisbehavingServer(echo(400), echo(401), echo(500), answersText(key));
    const { upstream, events } = openTestUpstream(server.origin);
    const told: unknown[] = [events];
    for (let i = 0; i < 4; i++) told.push(await problemOf(upstream.postJson('/x', {}, { sideEffect: true })));
    const text = inspect(told, { depth: 20 });
    expect(text).toContain('[secret]');
    expect(text).not.toMatch(/sk-/);
  });

  it('ends when its caller aborts: before, during an answer, during a pause', async () => {
    const server = await startMisbehavingServer(hangs, failsWith(500));
    const { upstream, clock, events } = openTestUpstream(server.origin);
    const reason = new Error('left');
    await expect(upstream.getJson('/x', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.requests).toHaveLength(0);

    const during = new AbortController();
    const hanging = upstream.getJson('/x', { signal: during.signal });
    await server.arrived(1);
    during.abort(reason);
    await expect(hanging).rejects.toBe(reason);
    expect(events.at(-1)).toMatchObject({ type: 'attempt', outcome: 'cancelled' });

    const pausing = new AbortController();
    const retried = upstream.getJson('/x', { signal: pausing.signal });
    await clock.untilDueIn(3000);
    pausing.abort(reason);
    await expect(retried).rejects.toBe(reason);
    expect(clock.timers).toBe(0);
  });

  it('ends when the door closes, in a pause too', async () => {
    const server = await startMisbehavingServer(failsWith(500), hangs);
    const { upstream, clock } = openTestUpstream(server.origin);
    const pausing = problemOf(upstream.getJson('/x'));
    await clock.untilDueIn(3000);
    const hanging = problemOf(upstream.getJson('/x'));
    await server.arrived(2);
    upstream.close();
    expect(await pausing).toMatchObject({ code: 'UPSTREAM_CLOSED', kind: 'unavailable' });
    expect(await hanging).toMatchObject({ code: 'UPSTREAM_CLOSED' });
    expect(await problemOf(upstream.getJson('/x'))).toMatchObject({ code: 'UPSTREAM_CLOSED' });
    expect(clock.timers).toBe(0);
  });
});

describe('the circuit', () => {
  it('opens after failures in a row, lets one try through after a while, and closes when that succeeds', async () => {
    const server = await startMisbehavingServer(failsWith(500), failsWith(500), hangs);
    const { upstream, clock, events } = openTestUpstream(server.origin, 'model', { failures: 2, openMs: 10_000 });
    const once = () => upstream.getJson('/x', { sideEffect: true });
    await problemOf(once());
    await problemOf(once());
    const refused = await problemOf(once());
    expect(refused).toMatchObject({ code: 'CIRCUIT_OPEN', kind: 'unavailable', headers: { 'retry-after': '10' } });
    expect(server.requests).toHaveLength(2);

    await clock.advance(10_000);
    const probe = problemOf(once());
    await server.arrived(3);
    expect(upstream.state()).toEqual({ circuit: 'half_open', running: 1 });
    expect(await problemOf(once())).toMatchObject({ code: 'CIRCUIT_OPEN', headers: { 'retry-after': '1' } });
    await clock.advance(60_000);
    expect(await probe).toMatchObject({ code: 'NETWORK_TIMEOUT' });
    expect(upstream.state().circuit).toBe('open');

    await clock.advance(10_000);
    server.does(answersJson(1));
    expect(await once()).toBe(1);
    expect(upstream.state().circuit).toBe('closed');
    const states = events.flatMap((event) => (event.type === 'circuit' ? [event.state] : []));
    expect(states).toEqual(['open', 'half_open', 'open', 'half_open', 'closed']);
  });

  it('stays closed for a server that refuses, is busy, or is left by its callers', async () => {
    const server = await startMisbehavingServer(failsWith(400), failsWith(429), failsWith(401), hangs);
    const { upstream } = openTestUpstream(server.origin, 'model', { failures: 1, openMs: 10_000 });
    for (let i = 0; i < 3; i++) await problemOf(upstream.getJson('/x', { sideEffect: true }));
    const leaving = new AbortController();
    const left = upstream.getJson('/x', { signal: leaving.signal });
    await server.arrived(4);
    leaving.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    expect(upstream.state().circuit).toBe('closed');
  });
});

describe('a door', () => {
  it.each(['', 'model.example', 'ftp://model.example', 'https://user:pass@model.example', 'https://x.example/?key=1'])(
    'is not opened to %j',
    (baseUrl) => {
      const open = () => openUpstream({ name: 'model', baseUrl, policy: 'model', onEvent: () => {} });
      expect(open).toThrow(/^model: expected an http or https address/);
      expect(open).not.toThrow(/pass|key/);
    },
  );
});
