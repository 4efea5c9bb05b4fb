/**
 * Small servers that write canvases in ways that are known to be wrong, to show that the oracle sees it; `careful` is
 * the control that it must let pass. Started as `bad-server.ts <how>`, by the same settings as the service.
 */
import { mkdirSync } from 'node:fs';
import { type FileHandle, open, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { pause } from './scale.js';

const vault = process.env.VAULT_DIR ?? '';
let lastTemporary = 0;

async function writeTemporary(target: string, fill: (file: FileHandle) => Promise<unknown>): Promise<string> {
  lastTemporary += 1;
  const temporary = `${target}.${process.pid}-${lastTemporary}.tmp`;
  const file = await open(temporary, 'w');
  try {
    await fill(file);
    return temporary;
  } catch (error) {
    await unlink(temporary);
    throw error;
  } finally {
    await file.close();
  }
}

async function syncFolder(target: string): Promise<void> {
  const folder = await open(path.dirname(target), 'r');
  await folder.sync().finally(() => folder.close());
}

const writeAndSync = (body: Buffer) => async (file: FileHandle) => {
  await file.writeFile(body);
  await file.sync();
};

type Store = (target: string, body: Buffer) => Promise<unknown>;

const careful: Store = async (target, body) => {
  await rename(await writeTemporary(target, writeAndSync(body)), target);
  await syncFolder(target);
};

const waiting = new Map<string, Buffer>();

const stores: Record<string, Store> = {
  careful,
  caches_by_time: careful,
  /** Promises first, and writes a moment later. */
  answers_first: async (target, body) => {
    waiting.set(target, body);
    void pause(50).then(async () => {
      await careful(target, body);
      if (waiting.get(target) === body) waiting.delete(target);
    });
  },
  writes_in_place: async (target, body) => {
    const file = await open(target, 'w');
    const middle = body.length >>> 1;
    await file.write(body, 0, middle, 0);
    await pause(5);
    await file.write(body, middle, body.length - middle, middle);
    await file.sync();
    await file.close();
  },
  never_syncs: async (target, body) => rename(await writeTemporary(target, (file) => file.writeFile(body)), target),
  syncs_no_folder: async (target, body) => rename(await writeTemporary(target, writeAndSync(body)), target),
  /** Does not look at how much the system took. */
  writes_once: async (target, body) =>
    rename(await writeTemporary(target, (file) => file.write(body, 0, body.length, 0)), target),
  leaves_temporaries: async (target, body) => {
    const temporary = `${target}.tmp`;
    await writeFile(temporary, body);
    await rename(temporary, target);
  },
};

const how = process.argv[2] ?? 'careful';
const store = stores[how];
if (!store) throw new Error(`expected one of ${Object.keys(stores).join(', ')}, got ${how}`);

const cache = new Map<string, { mtimeMs: number; size: number; bytes: Buffer }>();

async function read(target: string): Promise<Buffer> {
  const early = waiting.get(target);
  if (early) return early;
  if (how !== 'caches_by_time') return readFile(target);
  const { mtimeMs, size } = await stat(target);
  const known = cache.get(target);
  if (known?.mtimeMs === mtimeMs && known.size === size) return known.bytes;
  const bytes = await readFile(target);
  cache.set(target, { mtimeMs, size, bytes });
  return bytes;
}

/** One write of a canvas after the other; the faults are in the stores alone. */
const turns = new Map<string, Promise<unknown>>();

function inTurn(target: string, work: () => Promise<unknown>): Promise<unknown> {
  const turn = (turns.get(target) ?? Promise.resolve()).catch(() => {}).then(work);
  turns.set(target, turn);
  return turn;
}

const server = http.createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const url = request.url ?? '';
  const name = /^\/canvas\/([^/]+)$/.exec(url)?.[1];
  try {
    if (name === undefined) {
      response.writeHead(url === '/admin/flush' ? 200 : 404).end('{}');
      return;
    }
    const target = path.join(vault, decodeURIComponent(name));
    if (request.method !== 'PUT') {
      const bytes = await read(target);
      response.writeHead(200).end(bytes);
      return;
    }
    mkdirSync(path.dirname(target), { recursive: true });
    await inTurn(target, () => store(target, Buffer.concat(chunks)));
    response.writeHead(200).end('{}');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    response.writeHead(code === 'ENOENT' ? 404 : code === 'ENOSPC' ? 507 : 503).end();
  }
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as { port: number };
  process.stdout.write(`${JSON.stringify({ api: `http://127.0.0.1:${port}`, msg: 'listening' })}\n`);
});
