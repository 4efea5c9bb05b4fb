import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { folderProbe, graphitiProbe, watchMemories } from '../../../src/metrics/summary/memory-probes.js';
import { temporaryFolder } from '../../support/folder.js';
import { ManualClock } from '../../support/manual-clock.js';
import {
  answersJson,
  failsWith,
  hangs,
  refusingOrigin,
  startMisbehavingServer,
} from '../../support/misbehaving-server.js';

function watched(probe: () => Promise<unknown>) {
  const clock = new ManualClock();
  const found: boolean[] = [];
  const stop = watchMemories({ graphiti: probe }, clock, (_name, isUp) => found.push(isUp));
  onTestFinished(stop);
  return { clock, found, stop };
}

describe('the watch over memories', () => {
  it('looks at once and every 15 seconds, and sees a memory go and come back', async () => {
    let isUp = true;
    const { clock, found } = watched(async () => {
      if (!isUp) throw new Error('away');
    });
    await clock.advance(0);
    isUp = false;
    await clock.advance(15_000);
    isUp = true;
    await clock.advance(15_000);
    expect(found).toEqual([true, false, true]);
  });

  it('takes one that does not answer for away, asks it one question at a time, and waits for none of its answers', async () => {
    let asked = 0;
    const { clock, found } = watched(() => {
      asked += 1;
      return new Promise(() => {});
    });
    await clock.advance(4000);
    expect(found).toEqual([]);
    await clock.advance(60_000);
    expect([found, asked]).toEqual([[false], 1]);
  });

  it('says nothing more once it has ended', async () => {
    let answer = () => {};
    const { clock, found, stop } = watched(() => new Promise<void>((resolve) => (answer = resolve)));
    stop();
    answer();
    await clock.advance(60_000);
    expect(found).toEqual([]);
  });
});

describe('a probe', () => {
  it('of a folder finds it, and misses it', async () => {
    const folder = path.join(await temporaryFolder(), 'events');
    await mkdir(folder);
    await expect(folderProbe(folder)()).resolves.toBeUndefined();
    await rm(folder, { recursive: true });
    await expect(folderProbe(folder)()).rejects.toThrow('ENOENT');
  });

  it('of a Graphiti server asks for its health once, however often it has failed, with a bound in time', async () => {
    const server = await startMisbehavingServer(failsWith(503));
    const clock = new ManualClock();
    const { probe, close } = graphitiProbe(server.origin, () => {}, clock);
    onTestFinished(close);
    for (let i = 0; i < 8; i++) await expect(probe()).rejects.toThrow();
    server.does(answersJson({ status: 'healthy' }));
    await expect(probe()).resolves.toBeUndefined();
    expect(server.requests.map(({ url }) => url)).toEqual(Array(9).fill('/healthcheck'));
    server.does(hangs);
    const hung = probe();
    await server.arrived(10);
    await Promise.all([expect(hung).rejects.toThrow(), clock.advance(6000)]);
  });

  it('of a server that is not there fails', async () => {
    const { probe, close } = graphitiProbe(await refusingOrigin(), () => {});
    onTestFinished(close);
    await expect(probe()).rejects.toThrow();
  });
});
