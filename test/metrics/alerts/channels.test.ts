import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../../../src/logger.js';
import type { AlertChange } from '../../../src/metrics/alerts/alert.js';
import type { Channel } from '../../../src/metrics/alerts/channels/channel.js';
import { openDelivery } from '../../../src/metrics/alerts/channels/delivery.js';
import { fileChannel } from '../../../src/metrics/alerts/channels/file-channel.js';
import { webhookChannel } from '../../../src/metrics/alerts/channels/webhook-channel.js';
import { temporaryFolder } from '../../support/folder.js';
import { ManualClock } from '../../support/manual-clock.js';
import {
  answersJson,
  answersText,
  drips,
  failsWith,
  hangs,
  refusingOrigin,
  startMisbehavingServer,
} from '../../support/misbehaving-server.js';
import { concurrencyRule, openTestMonitoring } from '../open-test-monitoring.js';

function change(name: string, event: AlertChange['event'] = 'firing'): AlertChange {
  const since = '2026-01-01T00:00:00.000Z';
  const alert = {
    name,
    severity: 'warning',
    since,
    value: 2,
    threshold: 1,
    summary: '二',
    labels: { flag: 'x' },
  } as const;
  return { event, atMs: Date.UTC(2026, 0, 1, 0, 1), alert };
}

function testDelivery(send: Channel['send']) {
  const clock = new ManualClock();
  const outcomes: string[] = [];
  const logged: string[] = [];
  const delivery = openDelivery({
    channel: { name: 'webhook', send },
    settings: () => ({ enabled: true, min_severity: 'info' }),
    clock,
    logger: createLogger('debug', { write: (line: string) => void logged.push(line) }),
    onOutcome: (_channel, outcome, changes) => outcomes.push(`${outcome} ${changes}`),
  });
  onTestFinished(() => delivery.close());
  return { delivery, clock, outcomes, logged };
}

const namesOf = (changes: AlertChange[]) => changes.map(({ alert }) => alert.name);

describe('the way to a channel', () => {
  it('keeps the order, and tells what came meanwhile together', async () => {
    const sent: string[][] = [];
    let end = () => {};
    const { delivery, clock } = testDelivery(async (changes) => {
      sent.push(namesOf(changes));
      if (sent.length === 1) await new Promise<void>((resolve) => (end = resolve));
    });
    delivery.add([change('A')]);
    delivery.add([change('B')]);
    delivery.add([change('C')]);
    expect(sent).toEqual([['A']]);
    end();
    await clock.advance(0);
    expect(sent).toEqual([['A'], ['B', 'C']]);
  });

  it('tries again what failed, with what came since, and says so once', async () => {
    const sent: string[][] = [];
    const { delivery, clock, outcomes, logged } = testDelivery(async (changes) => {
      sent.push(namesOf(changes));
      if (sent.length < 3) throw new Error('away');
    });
    delivery.add([change('A')]);
    await clock.advance(1000);
    delivery.add([change('B')]);
    await clock.advance(60_000);
    expect(sent).toEqual([['A'], ['A', 'B'], ['A', 'B']]);
    expect(outcomes).toEqual(['failed 1', 'failed 1', 'sent 2']);
    expect(logged).toHaveLength(1);
  });

  it('gives up after ten tries, and goes on with the next', async () => {
    let isUp = false;
    const { delivery, clock, outcomes } = testDelivery(async () => {
      if (!isUp) throw new Error('away');
    });
    delivery.add([change('A')]);
    await clock.advance(9 * 30_000);
    expect(outcomes).toEqual([...Array(10).fill('failed 1'), 'dropped 1']);
    isUp = true;
    delivery.add([change('B')]);
    await clock.advance(0);
    expect(outcomes.at(-1)).toBe('sent 1');
  });

  it('drops the oldest of more than it can tell, while nothing gets through', async () => {
    const sent: string[][] = [];
    const { delivery, clock, outcomes } = testDelivery(async (changes) => {
      sent.push(namesOf(changes));
      if (sent.length === 1) throw new Error('away');
    });
    delivery.add([change('first')]);
    await clock.advance(0);
    for (let i = 0; i < 250; i++) delivery.add([change(`A${i}`)]);
    await clock.advance(30_000);
    const dropped = outcomes.filter((outcome) => outcome.startsWith('dropped')).length;
    expect(dropped).toBe(51);
    expect(sent.slice(1).flat()).toEqual(Array.from({ length: 200 }, (_, i) => `A${i + 50}`));
    expect(sent.slice(1).map(({ length }) => length)).toEqual([50, 50, 50, 50]);
  });

  it('begins nothing once it is closed', async () => {
    const sent: string[][] = [];
    const { delivery, clock } = testDelivery(async (changes) => void sent.push(namesOf(changes)));
    await delivery.close();
    delivery.add([change('A')]);
    await clock.advance(60_000);
    expect(sent).toEqual([]);
  });
});

describe('the file', () => {
  it('is put aside before it grows past its bound, so that both take no more than twice as much', async () => {
    const file = path.join(await temporaryFolder(), 'alerts.jsonl');
    const channel = fileChannel(file, () => 1000);
    for (let i = 0; i < 40; i++) await channel.send([change(`A${i}`)]);
    const linesOf = (name: string) => readFileSync(name, 'utf8').trim().split('\n');
    const kept = [...linesOf(`${file}.1`), ...linesOf(file)].map((line) => JSON.parse(line).name);
    expect(kept.at(-1)).toBe('A39');
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => `A${40 - kept.length + i}`));
    for (const name of [file, `${file}.1`]) expect(readFileSync(name).length).toBeLessThanOrEqual(1000);
  });

  it('that cannot be written fails its channel alone', async () => {
    const { folder, clock, begin, lines, firing } = await openTestMonitoring({ rules: concurrencyRule() });
    mkdirSync(path.join(folder, 'alerts.jsonl'));
    begin(20);
    await clock.advance(5000);
    while (!lines().some(({ channel }) => channel === 'file')) await new Promise((resolve) => setImmediate(resolve));
    expect(firing()).toEqual(['ConcurrencyHigh']);
    expect(lines()).toMatchObject([
      { msg: 'alert' },
      { channel: 'file', msg: 'alerts could not be told; trying again' },
    ]);
  });
});

describe('the webhook', () => {
  const open = (url: string, clock?: ManualClock) => {
    const channel = webhookChannel({ url, timeoutMs: () => 2000, onUpstreamEvent: () => {}, ...(clock && { clock }) });
    onTestFinished(() => channel.close());
    return channel;
  };

  it('posts what Alertmanager posts, to the whole address, query included', async () => {
    const server = await startMisbehavingServer(answersJson({}));
    await open(`${server.origin}/hook/1?key=secret`).send([change('A'), change('B', 'resolved')]);
    const [request] = server.requests;
    expect(request).toMatchObject({ method: 'POST', url: '/hook/1?key=secret' });
    const message = JSON.parse(request?.body ?? '');
    expect(message).toMatchObject({ version: '4', status: 'firing', truncatedAlerts: 0 });
    expect(message.alerts).toMatchObject([
      {
        status: 'firing',
        labels: { alertname: 'A', severity: 'warning', flag: 'x' },
        annotations: { summary: '二', value: '2', threshold: '1' },
        startsAt: '2026-01-01T00:00:00.000Z',
        endsAt: '0001-01-01T00:00:00Z',
      },
      { status: 'resolved', endsAt: '2026-01-01T00:01:00.000Z' },
    ]);
    expect(message.alerts[0].fingerprint).toMatch(/^[0-9a-f]{16}$/);
    expect(message.alerts[0].fingerprint).not.toBe(message.alerts[1].fingerprint);
  });

  it('is refused with a user in its address, which would not be sent', () => {
    expect(() => open('http://me:very-secret@127.0.0.1/')).toThrow(
      'ALERT_WEBHOOK_URL: expected an address without user and password',
    );
  });

  it.each([
    ['text', answersText('ok')],
    ['nothing', answersText('', 204)],
    ['something that never ends', drips()],
  ])('takes any successful status for received, also with %s behind it', async (_what, behaviour) => {
    const server = await startMisbehavingServer(behaviour);
    await open(server.origin).send([change('A')]);
    expect(server.requests).toHaveLength(1);
  });

  it('is tried again by the policy when it fails, and not when it refuses', async () => {
    const clock = new ManualClock();
    const server = await startMisbehavingServer(failsWith(503), answersJson({}));
    const sent = open(server.origin, clock).send([change('A')]);
    await server.arrived(1);
    while (clock.timers === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(15_000);
    await sent;
    expect(server.requests).toHaveLength(2);
    server.does(failsWith(404));
    await expect(open(server.origin).send([change('A')])).rejects.toThrow();
    expect(server.requests).toHaveLength(3);
  });

  it('that hangs holds up neither the next look at the rules nor the end of the service', async () => {
    const server = await startMisbehavingServer(hangs);
    const { clock, begin, firing, lines, monitoring, metrics } = await openTestMonitoring({
      rules: concurrencyRule(),
      webhookUrl: server.origin,
    });
    begin(20);
    await clock.advance(5000);
    await server.arrived(1);
    for (let i = 0; i < 20; i++) {
      metrics.observeRequest({ type: 'answered', method: 'GET', endpoint: '/', status: 200, durationSeconds: 1 });
    }
    await clock.advance(5000);
    expect(firing()).toEqual([]);
    expect(lines()).toMatchObject([{ msg: 'alert' }, { msg: 'alert is over' }]);
    await monitoring.close();
    expect(server.requests).toHaveLength(1);
  });

  it('that is not there fails its channel alone, and its address is never shown', async () => {
    const address = `${await refusingOrigin()}/hook?key=very-secret`;
    const { folder, clock, begin, firing, lines, monitoring } = await openTestMonitoring({
      rules: concurrencyRule('channels: {webhook: {timeout_seconds: 1}}\n'),
      webhookUrl: address,
    });
    begin(20);
    await clock.advance(5000);
    while (!existsSync(path.join(folder, 'alerts.jsonl'))) await new Promise((resolve) => setImmediate(resolve));
    expect(firing()).toEqual(['ConcurrencyHigh']);
    await monitoring.close();
    expect(JSON.stringify(lines())).not.toContain('very-secret');
  });
});
