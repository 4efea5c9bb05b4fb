import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeCanvas, revisionOf, withRevision } from '../makers/canvas-maker.js';
import { type Client, expectStatus } from '../support/client.js';
import { type Service, startService } from '../support/service.js';
import { lostWrites, type Write, writeBeforeAll } from './acknowledgements.js';

/**
 * A canvas that is written again and again, each time with another revision number in it. It remembers what was sent
 * and what was acknowledged.
 * @source product contract, promise 1
 */
export interface WrittenCanvas {
  /**
   * Sends the next revision.
   * @param dueAt when it should have been sent, by `performance.now()`
   * @returns milliseconds from then to the answer
   */
  put(client: Client, dueAt?: number): Promise<number>;
}

/**
 * All canvases that a bench writes, and what the services promised about them.
 * @source product contract, promise 1
 */
export interface WriteLedger {
  /** Puts a canvas into the vault, to be written over. */
  open(service: Service, name: string, bytes: number): Promise<WrittenCanvas>;
  /**
   * Kills the services, lets each start once more so that it may take up what it had promised, stops it, and looks into
   * the files.
   * @throws Error when an acknowledged write is not there, or a file is not byte for byte what was sent
   */
  checkAfterKill(): Promise<void>;
}

type CheckedCanvas = WrittenCanvas & { checkFile(): void };

/**
 * Opens an empty ledger.
 * @source product contract, promise 1 ("it survives `kill -9`")
 */
export function createWriteLedger(): WriteLedger {
  const canvasesOf = new Map<Service, CheckedCanvas[]>();
  return {
    async open(service, name, bytes) {
      const canvas = await createCanvas(service, `${name}.canvas`, bytes);
      canvasesOf.set(service, [...(canvasesOf.get(service) ?? []), canvas]);
      return canvas;
    },
    async checkAfterKill() {
      for (const [service, canvases] of canvasesOf) {
        await service.kill();
        const again = await startService(service.folder, service.variant);
        await again.stop();
        for (const canvas of canvases) canvas.checkFile();
      }
    },
  };
}

async function createCanvas(service: Service, fileName: string, bytes: number): Promise<CheckedCanvas> {
  const file = path.join(service.vaultDir, fileName);
  const template = makeCanvas(bytes, bytes);
  await writeFile(file, template);
  const writes = new Map<number, Write>([[0, writeBeforeAll]]);

  return {
    async put(client, dueAt = performance.now()) {
      const revision = writes.size;
      const write = { revision, sentAt: performance.now(), acknowledgedAt: Number.POSITIVE_INFINITY };
      writes.set(revision, write);
      const answer = await client.request('PUT', `/canvas/${fileName}`, {
        headers: { 'content-type': 'application/json' },
        body: withRevision(template, revision),
      });
      expectStatus(answer, [200], `PUT ${fileName}`);
      write.acknowledgedAt = performance.now();
      return write.acknowledgedAt - dueAt;
    },
    checkFile() {
      const stored = readFileSync(file);
      const onDisk = writes.get(revisionOf(stored));
      if (!onDisk) throw new Error(`${fileName} holds a revision that was never sent`);
      const lost = lostWrites(writes.values(), onDisk);
      if (lost.length > 0) throw new Error(`${fileName}: ${lost.length} acknowledged writes are not on disk`);
      if (!stored.equals(withRevision(template, onDisk.revision))) throw new Error(`${fileName}: the file is torn`);
    },
  };
}
