import { describe, expect, it } from 'vitest';
import { failsWith, hangs, startMisbehavingServer, streams } from '../support/misbehaving-server.js';
import { openTestUpstream } from './open-test-upstream.js';

type Door = ReturnType<typeof openTestUpstream>;
const circuit = { failures: 2, openMs: 10_000 };

async function readAll({ upstream }: Door, idleMs = 700): Promise<string> {
  try {
    for await (const _ of upstream.postStream('/x', {}, { lastData: '[DONE]', idleMs }));
    return 'whole';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const outcomes = ({ events }: Door) =>
  events.flatMap((event) => (event.type === 'attempt' ? [[event.outcome, event.isStream]] : []));
const types = ({ events }: Door) => events.map(({ type }) => type);

describe('what a stream says about its server', () => {
  it('is told when it has ended, the first event before', async () => {
    const server = await startMisbehavingServer(streams(['one', 'two', '[DONE]']));
    const door = openTestUpstream(server.origin);
    const iterator = door.upstream.postStream('/x', {}, { lastData: '[DONE]' });
    await iterator.next();
    expect(types(door)).toEqual(['answering']);
    expect(door.upstream.state().running).toBe(1);
    await door.clock.advance(5000);
    await iterator.next();
    await iterator.next();
    expect(door.events).toEqual([
      { type: 'answering', upstream: 'model', durationSeconds: 0, othersRunning: 0 },
      {
        type: 'attempt',
        upstream: 'model',
        outcome: 'ok',
        durationSeconds: 5,
        retryAfterSeconds: undefined,
        othersRunning: 0,
        othersAccepted: 0,
        isStream: true,
      },
    ]);
    expect(door.upstream.state().running).toBe(0);
  });

  it('opens the circuit when answers break off or fall silent after a token again and again', async () => {
    const server = await startMisbehavingServer(streams(['one'], 'breaks'), streams(['one'], 'stalls'));
    const door = openTestUpstream(server.origin, 'model', circuit);
    expect(await readAll(door)).toBe('MODEL_ANSWER_INVALID');
    const stalled = readAll(door);
    await server.arrived(2);
    while (types(door).filter((type) => type === 'answering').length < 2) await new Promise(setImmediate);
    await door.clock.advance(1500);
    expect(await stalled).toBe('NETWORK_TIMEOUT');
    expect(outcomes(door)).toEqual([
      ['cut_answer', true],
      ['timeout', true],
    ]);
    expect(door.upstream.state().circuit).toBe('open');
    expect(await readAll(door)).toBe('CIRCUIT_OPEN');
    expect(server.requests).toHaveLength(2);
  });

  it('does not close a circuit before the whole answer has come', async () => {
    const server = await startMisbehavingServer(
      failsWith(400),
      streams(['one'], 'ends'),
      streams(['one'], 'ends'),
      streams(['one'], 'ends'),
      streams(['one', '[DONE]']),
    );
    const door = openTestUpstream(server.origin, 'model', circuit);
    expect(await readAll(door)).toBe('MODEL_REQUEST_REFUSED');
    for (let i = 0; i < 2; i++) expect(await readAll(door)).toBe('MODEL_ANSWER_INVALID');
    await door.clock.advance(10_000);
    expect(await readAll(door)).toBe('MODEL_ANSWER_INVALID');
    expect(door.upstream.state().circuit).toBe('open');
    await door.clock.advance(10_000);
    expect(await readAll(door)).toBe('whole');
    expect(door.upstream.state().circuit).toBe('closed');
  });

  it('is nothing when its reader leaves, so that the next one may try', async () => {
    const server = await startMisbehavingServer(failsWith(500), failsWith(500), streams(['one'], 'stalls'));
    const door = openTestUpstream(server.origin, 'model', circuit);
    for (let i = 0; i < 2; i++) await door.upstream.getJson('/x', { sideEffect: true }).catch(() => {});
    await door.clock.advance(10_000);
    for await (const _ of door.upstream.postStream('/x', {})) break;
    expect(door.upstream.state()).toEqual({ circuit: 'half_open', running: 0 });
    expect(outcomes(door).at(-1)).toEqual(['cancelled', true]);
    const leaving = new AbortController();
    const iterator = door.upstream.postStream('/x', {}, { signal: leaving.signal });
    await iterator.next();
    leaving.abort(new Error('left'));
    expect(door.upstream.state()).toEqual({ circuit: 'half_open', running: 0 });
    expect(server.requests).toHaveLength(4);
  });

  it('is not waited for: a long one keeps no other from trying, and none stays open for ever', async () => {
    const server = await startMisbehavingServer(failsWith(500), failsWith(500), streams(['one'], 'stalls'));
    const door = openTestUpstream(server.origin, 'model', circuit);
    for (let i = 0; i < 2; i++) await door.upstream.getJson('/x', { sideEffect: true }).catch(() => {});
    await door.clock.advance(10_000);
    const forgotten = door.upstream.postStream('/x', {}, { idleMs: 60_000, totalMs: 60_000 });
    await forgotten.next();
    expect(await readAll(door)).toBe('CIRCUIT_OPEN');
    await door.clock.advance(10_000);
    server.does(streams(['one', '[DONE]']));
    expect(await readAll(door)).toBe('whole');
    expect(door.upstream.state()).toEqual({ circuit: 'closed', running: 1 });
    // Nobody ever asks for its next event.
    await door.clock.advance(60_000);
    expect(door.upstream.state()).toEqual({ circuit: 'closed', running: 0 });
    expect(outcomes(door).at(-1)).toEqual(['cancelled', true]);
  });
});

describe('the tries of a stream', () => {
  it('begin within the total of the policy, while the first may wait longer for its first word', async () => {
    const server = await startMisbehavingServer(hangs);
    const door = openTestUpstream(server.origin);
    const silent = readAll(door, 120_000);
    await server.arrived(1);
    await door.clock.advance(119_999);
    expect(outcomes(door)).toEqual([]);
    await door.clock.advance(1);
    expect(await silent).toBe('NETWORK_TIMEOUT');
    expect(server.requests).toHaveLength(1);
  });

  it('are not begun after a minute, however long a silence may last', async () => {
    const server = await startMisbehavingServer(hangs, hangs, hangs);
    const door = openTestUpstream(server.origin);
    const silent = readAll(door, 25_000);
    for (const [arrived, pauseMs] of [
      [1, 3000],
      [2, 5000],
    ] as const) {
      await server.arrived(arrived);
      await door.clock.advance(25_000);
      await door.clock.advance(pauseMs);
    }
    await server.arrived(3);
    // Begun at 58 s; what would follow comes after the minute.
    await door.clock.advance(25_000);
    expect(await silent).toBe('NETWORK_TIMEOUT');
    expect(door.clock.now()).toBe(83_000);
    expect(server.requests).toHaveLength(3);
  });

  it('of a call that may take longer than the policy: the first as long as it may, then none', async () => {
    const server = await startMisbehavingServer(hangs);
    const door = openTestUpstream(server.origin);
    const call = door.upstream.postJson('/x', {}, { timeoutMs: 90_000 }).catch((error) => error.code);
    await server.arrived(1);
    await door.clock.advance(89_999);
    expect(door.upstream.state().running).toBe(1);
    await door.clock.advance(1);
    expect(await call).toBe('NETWORK_TIMEOUT');
    expect(server.requests).toHaveLength(1);
  });
});
