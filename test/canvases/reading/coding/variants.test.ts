import { randomFillSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { beforeEach, expect, it, vi } from 'vitest';
import { etagOf } from '../../../../src/canvases/document/etag.js';
import type { CanvasEvent } from '../../../../src/canvases/index.js';
import { CachedReader, type CanvasCacheSettings } from '../../../../src/canvases/reading/canvas-reader.js';
import { CanvasEncoder } from '../../../../src/canvases/reading/coding/canvas-encoder.js';
import type { ContentCoding } from '../../../../src/canvases/reading/coding/content-coding.js';
import type { StoredCanvas } from '../../../../src/canvases/reading/stored-canvas.js';
import { parseVaultPath } from '../../../../src/canvases/vault/vault-path.js';
import { eventually } from '../../../support/eventually.js';
import { temporaryFolder } from '../../../support/folder.js';
import { canvasBytes } from '../../support/canvas-bytes.js';
import { ManualClock } from '../../support/manual-clock.js';
import { quietEncoder } from '../../support/quiet-encoder.js';

let vault: string;
let clock: ManualClock;
let settings: CanvasCacheSettings;
let events: CanvasEvent[];
let reader: CachedReader;

beforeEach(async () => {
  vault = await temporaryFolder();
  clock = new ManualClock();
  settings = { max_files: 10, max_bytes: 1_000_000, ttl_seconds: 60 };
  events = [];
  reader = open(quietEncoder(events));
});

const open = (encoder: CanvasEncoder) =>
  new CachedReader({ root: vault, clock, isJson: () => true, settlingMs: 0 }, () => settings, encoder);
const write = (name: string, bytes: Buffer) => writeFileSync(path.join(vault, name), bytes);

async function canvasAt(name: string): Promise<StoredCanvas> {
  const { state } = await reader.read(parseVaultPath(name));
  if (state.kind !== 'canvas') throw new Error(state.kind);
  return state;
}

const made = () => events.filter((event) => event.type === 'variant');

/** Reads as a client does that accepts one coding, until nothing more is being compressed. */
async function readTwice(name: string, coding: ContentCoding) {
  const canvas = await canvasAt(name);
  const before = made().length;
  expect(reader.coded(name, canvas, [coding])).toBeUndefined();
  expect(reader.coded(name, canvas, [coding])).toBeUndefined();
  await eventually(() => expect(made().length).toBe(before + 1));
  await Promise.resolve();
  return () => reader.coded(name, canvas, [coding]);
}

it('a canvas is compressed after the second read that could use it, and decompresses to itself', async () => {
  const bytes = canvasBytes('自由', 100);
  write('a.canvas', bytes);
  const canvas = await canvasAt('a.canvas');
  for (let read = 0; read < 5; read++) expect(reader.coded('a.canvas', canvas, [])).toBeUndefined();
  expect(made()).toEqual([]);
  for (const [coding, decode] of [
    ['br', brotliDecompressSync],
    ['gzip', gunzipSync],
  ] as const) {
    const coded = (await readTwice('a.canvas', coding))();
    expect(coded).toMatchObject({ coding, etag: `${etagOf(bytes).slice(0, -1)}.${coding}"` });
    expect(decode(coded?.bytes ?? '')).toEqual(bytes);
    expect(coded?.bytes.buffer.byteLength).toBe(coded?.bytes.length);
    expect(made().at(-1)).toMatchObject({
      outcome: 'made',
      coding,
      plainBytes: bytes.length,
      codedBytes: coded?.bytes.length,
    });
  }
  expect(made()).toHaveLength(2);
});

it('the form that is there is sent until the one that the client likes better is made', async () => {
  write('a.canvas', canvasBytes('x', 100));
  await readTwice('a.canvas', 'gzip');
  const canvas = await canvasAt('a.canvas');
  const sent = () => reader.coded('a.canvas', canvas, ['br', 'gzip'])?.coding;
  expect([sent(), sent()]).toEqual(['gzip', 'gzip']);
  await eventually(() => expect(sent()).toBe('br'));
  expect(reader.coded('a.canvas', canvas, ['gzip'])?.coding).toBe('gzip');
});

it('small canvases are not compressed, and those that would hardly shrink are not kept compressed', async () => {
  write('small.canvas', Buffer.alloc(1023, ' '));
  const small = await canvasAt('small.canvas');
  for (let read = 0; read < 5; read++) expect(reader.coded('small.canvas', small, ['br'])).toBeUndefined();
  write('noise.canvas', randomFillSync(Buffer.alloc(5000)));
  const noise = await readTwice('noise.canvas', 'br');
  for (let read = 0; read < 5; read++) expect(noise()).toBeUndefined();
  expect(made()).toMatchObject([{ outcome: 'too_large', plainBytes: 5000 }]);
});

it('a new version has nothing of the old one, also when that is still being compressed', async () => {
  write('a.canvas', canvasBytes('old', 100));
  const coded = await readTwice('a.canvas', 'br');
  expect(coded()).toBeDefined();
  const old = await canvasAt('a.canvas');
  write('a.canvas', canvasBytes('new', 100));
  const current = await canvasAt('a.canvas');
  expect(reader.coded('a.canvas', old, ['br'])).toBeUndefined();
  expect(reader.coded('a.canvas', current, ['gzip'])).toBeUndefined();
  expect(reader.coded('a.canvas', current, ['gzip'])).toBeUndefined();
  write('a.canvas', canvasBytes('newest', 100));
  const newest = await canvasAt('a.canvas');
  await eventually(() => expect(made()).toHaveLength(2));
  expect(reader.coded('a.canvas', newest, ['gzip', 'br'])).toBeUndefined();
});

it('the same bytes under a new date keep their forms', async () => {
  const bytes = canvasBytes('x', 100);
  write('a.canvas', bytes);
  await readTwice('a.canvas', 'br');
  write('a.canvas', bytes);
  expect(reader.coded('a.canvas', await canvasAt('a.canvas'), ['br'])).toBeDefined();
});

it('compressed forms count towards the bytes of the cache', async () => {
  const bytes = canvasBytes('x', 100);
  settings = { ...settings, max_bytes: 2 * (bytes.length + 1024) };
  write('a.canvas', bytes);
  write('b.canvas', Buffer.from(bytes));
  const first = await canvasAt('a.canvas');
  await canvasAt('b.canvas');
  clock.letPass(10_000);
  await canvasAt('a.canvas');
  await canvasAt('b.canvas');
  expect(reader.hit('a.canvas') && reader.hit('b.canvas')).toBeTruthy();
  const coded = await readTwice('b.canvas', 'br');
  expect(coded()).toBeDefined();
  expect(reader.hit('a.canvas')).toBeUndefined();
  expect(reader.coded('a.canvas', first, ['br'])).toBeUndefined();
  settings = { ...settings, max_bytes: bytes.length + 1024 };
  clock.letPass(10_000);
  const alone = await canvasAt('a.canvas');
  expect(reader.hit('a.canvas')).toBeDefined();
  for (let read = 0; read < 3; read++) reader.coded('a.canvas', alone, ['br']);
  await eventually(() => expect(made()).toHaveLength(2));
  expect(reader.coded('a.canvas', alone, ['br'])).toBeUndefined();
  expect(reader.hit('a.canvas')).toBeDefined();
});

it('canvases are compressed one at a time, and a long queue turns further ones away for now', async () => {
  const count = 80;
  settings = { ...settings, max_files: 100 };
  const names = Array.from({ length: count }, (_unused, index) => `${index}.canvas`);
  for (const name of names) write(name, canvasBytes(name, 60));
  const readAll = async () => {
    for (const name of names) reader.coded(name, await canvasAt(name), ['br']);
  };
  const encoder = quietEncoder(events);
  const encode = vi.spyOn(encoder, 'encode');
  reader = open(encoder);
  await readAll();
  expect(encode).not.toHaveBeenCalled();
  for (const name of names) reader.coded(name, (await canvasAt(name)) as StoredCanvas, ['br']);
  await eventually(() => expect(made().length).toBe(encode.mock.calls.length));
  await readAll();
  await eventually(() => expect(made()).toHaveLength(count));
});

it('what cannot be compressed is reported, and served plain', async () => {
  const failures: unknown[] = [];
  const encoder = new CanvasEncoder({
    failed: (error) => failures.push(error),
    onEvent: (event) => {
      events.push(event);
      throw new Error('broken');
    },
  });
  reader = open(encoder);
  write('a.canvas', canvasBytes('x', 100));
  const coded = await readTwice('a.canvas', 'br');
  await eventually(() => expect(failures).toHaveLength(1));
  expect(coded()).toBeUndefined();
});
