import { expect, it } from 'vitest';
import { flagNames } from '../../../src/optimizations/index.js';

const page = (name: string) => import(new URL(`../../../src/metrics/dashboard/page/${name}`, import.meta.url).href);
const plain = (text: string) => text.replaceAll('\u202f', ' ');

it('says numbers with three digits and their unit', async () => {
  const { milliseconds, number, percent, bytes, count, perSecond, duration } = await page('format.js');
  const said = [
    milliseconds(0.004),
    milliseconds(0.42),
    milliseconds(12.345),
    milliseconds(2310),
    milliseconds(null),
    percent(0.9996),
    percent(1),
    percent(0),
    percent(0.1234),
    bytes(196_608_000),
    bytes(12),
    count(1234.4),
    count(2_345_678),
    perSecond(12.34),
    perSecond(Number.NaN),
    duration(95),
    number(-0.02),
  ].map(plain);
  expect(said).toEqual([
    '4 µs',
    '0.42 ms',
    '12.3 ms',
    '2.31 s',
    '–',
    '99.9 %',
    '100 %',
    '0 %',
    '12.3 %',
    '188 MiB',
    '12 B',
    '1,234',
    '2.35M',
    '12.3 /s',
    '–',
    '2 min',
    '\u22120.02',
  ]);
});

it('has words for every optimisation', async () => {
  const { wordsOf } = await page('flag-words.js');
  expect(flagNames.filter((flag) => wordsOf(flag) === '')).toEqual([]);
});

it('reads a stream of events however it is cut', async () => {
  const { eventsOf } = await page('connection.js');
  const text = ': open\n\nevent: snapshot\ndata: {"a":"é"}\n\n:\n\ndata: one\ndata: two\n\n';
  for (const size of [1, 2, 7, 1000]) {
    const bytes = new TextEncoder().encode(text);
    const body = new ReadableStream({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
        controller.close();
      },
    });
    const events: string[] = [];
    for await (const event of eventsOf(body, () => {})) events.push(event);
    expect(events).toEqual(['{"a":"é"}', 'one\ntwo']);
  }
});
