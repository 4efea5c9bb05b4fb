import { expect, it } from 'vitest';
import type { Permit } from '../../src/upstream/index.js';
import { answersJson, failsWith, hangs, startMisbehavingServer } from '../support/misbehaving-server.js';
import { openTestUpstream } from './open-test-upstream.js';

/** Tells what is asked of it; `grant` lets the call go on. */
function heldPermit() {
  const asked: string[] = [];
  let grant = () => {};
  const permit: Permit = {
    release: () => void asked.push('release'),
    acquire: (signal) =>
      new Promise((resolve, reject) => {
        asked.push('acquire');
        grant = resolve;
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
  };
  const untilAsked = async (times: number) => {
    while (asked.length < times) await new Promise(setImmediate);
  };
  return { permit, asked, grant: () => grant(), untilAsked };
}

it('a call gives its place back for a pause and takes it again, however long it has to wait for it', async () => {
  const server = await startMisbehavingServer(failsWith(429), answersJson(1));
  const { upstream, clock } = openTestUpstream(server.origin);
  const { permit, asked, grant, untilAsked } = heldPermit();
  const call = upstream.postJson('/x', {}, { permit });
  await untilAsked(1);
  expect(asked).toEqual(['release']);
  await clock.advance(10_000);
  await untilAsked(2);
  // Longer than all tries may take together.
  await clock.advance(100_000);
  expect([asked, server.requests.length]).toEqual([['release', 'acquire'], 1]);
  grant();
  expect(await call).toBe(1);
});

it('a caller who leaves while the place is waited for has its call ended, and nothing is sent', async () => {
  const server = await startMisbehavingServer(failsWith(429), answersJson(1));
  const { upstream, clock } = openTestUpstream(server.origin);
  const { permit, untilAsked } = heldPermit();
  const caller = new AbortController();
  const call = upstream.postJson('/x', {}, { permit, signal: caller.signal });
  await untilAsked(1);
  await clock.advance(10_000);
  await untilAsked(2);
  caller.abort(new Error('left'));
  await expect(call).rejects.toThrow('left');
  expect(server.requests).toHaveLength(1);
});

it('a refusal for being busy tells how many others the server had taken, not counting those refused before', async () => {
  const server = await startMisbehavingServer(hangs, hangs, failsWith(429));
  const { upstream, events } = openTestUpstream(server.origin);
  const send = () => upstream.postJson('/x', {}, { sideEffect: true }).catch(() => {});
  for (let i = 0; i < 2; i++) void send();
  while (server.requests.length < 2) await new Promise(setImmediate);
  await Promise.all([send(), send(), send()]);
  const refusals = events.filter(({ type }) => type === 'attempt');
  expect(refusals.map((event) => event.type === 'attempt' && event.outcome)).toEqual(['busy', 'busy', 'busy']);
  const least = Math.min(...refusals.map((event) => (event.type === 'attempt' && event.othersAccepted) || 0));
  expect(least).toBe(2);
});
