import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { etagOf } from '../../src/canvases/document/etag.js';
import { applyElementEdits } from '../../src/canvases/edits/canvas-editor.js';
import { applyJsonPatch } from '../../src/canvases/edits/patch/json-patch.js';
import { applyMergePatch } from '../../src/canvases/edits/patch/merge-patch.js';
import { vaultLockName } from '../../src/canvases/holding/folder-lock.js';
import { temporaryFolder } from '../support/folder.js';
import { canvasBytes } from './support/canvas-bytes.js';
import { ManualClock } from './support/manual-clock.js';
import { openTestCanvases, variants } from './support/open-test-canvases.js';

const name = 'a.canvas';
/** Where a canvas is moved to, and back again. */
const movedName = 'folder/c.canvas';
/** A second canvas, which has nothing to do with the first: each step may write it too. */
const otherName = 'folder/b.canvas';
type Edit = 'json-patch' | 'merge-patch' | 'node-patch';
type Action =
  | 'put'
  | 'conditional'
  | 'stale'
  | Edit
  | 'other'
  | 'delete'
  | 'move'
  | 'outside'
  | 'outside-rename'
  | 'outside-delete';
const actions: Action[] = [
  'put',
  'put',
  'conditional',
  'stale',
  'json-patch',
  'merge-patch',
  'node-patch',
  'other',
  'delete',
  'move',
  'outside',
  'outside-rename',
  'outside-delete',
];
const step = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...actions) },
  {
    weight: 3,
    arbitrary: fc.constantFrom('flush' as const, 'flip' as const, 'crash' as const, 'crash-writing' as const),
  },
);

/** What a client sends to give the one node of a canvas another text, carried out as the routes do. */
const edits: Record<Edit, (bytes: Buffer, text: string) => Buffer> = {
  'json-patch': (bytes, text) =>
    applyJsonPatch(bytes, [
      { op: 'test', path: '/nodes/0/id', value: 'n0' },
      { op: 'replace', path: '/nodes/0/text', value: text },
    ]).bytes,
  'merge-patch': (bytes, text) => {
    const { nodes } = JSON.parse(canvasBytes(text).toString());
    return applyMergePatch(bytes, { nodes }).bytes;
  },
  'node-patch': (bytes, text) => applyElementEdits(bytes, [{ op: 'patchNode', id: 'n0', patch: { text } }]).bytes,
};

/** A vault, what readers must see, what its file holds, and what the history must have. The clock stands still. */
class Model {
  readonly #clock = new ManualClock();
  seen: string | undefined;
  file: string | undefined;
  readonly kept = new Set<string>();
  /** What another program wrote over, and whether the journal has it: else it is in memory alone. */
  readonly #remembered = new Map<string, boolean>();
  /** Else another program wrote it, and may write over it once more before we come to keep it. */
  seenIsOurs = false;
  /** What is seen was written by this process: until its copy is made, two seconds later, nothing else has it. */
  #isInMemory = false;
  #isInJournal = false;
  /** What the second canvas was given last. */
  other: string | undefined;
  isOptimised: boolean;
  #isArmed = false;
  #opened: Awaited<ReturnType<typeof openTestCanvases>>;

  private constructor(opened: Awaited<ReturnType<typeof openTestCanvases>>, isOptimised: boolean) {
    this.#opened = opened;
    this.isOptimised = isOptimised;
  }

  static async open(isOptimised: boolean): Promise<Model> {
    return new Model(await openTestCanvases(isOptimised, { clock: new ManualClock() }), isOptimised);
  }

  get canvases() {
    return this.#opened.canvases;
  }

  get address() {
    return path.join(this.#opened.vaultDir, name);
  }

  /** What is acknowledged reaches the file now. */
  catchUp(): void {
    if (this.file !== undefined && this.file !== this.seen) this.kept.add(this.file);
    this.file = this.seen;
  }

  /** A write was acknowledged. The first one after a quiet time goes to its file by itself. */
  async wrote(text: string | undefined): Promise<void> {
    if (!this.isOptimised) this.catchUp();
    this.seen = text;
    this.seenIsOurs = true;
    this.#isInMemory = true;
    this.#isInJournal = this.isOptimised;
    if (this.isOptimised && this.#isArmed) return;
    this.#isArmed = this.isOptimised;
    await this.flush();
  }

  async flush(): Promise<void> {
    await this.canvases.flush();
    this.catchUp();
  }

  flip(): void {
    this.isOptimised = !this.isOptimised;
    this.#opened.flags.batchWriter.enabled = this.isOptimised;
  }

  outside(text: string | undefined, byRename: boolean): void {
    if (text === undefined) rmSync(this.address, { force: true });
    else if (byRename) {
      writeFileSync(`${this.address}.tmp`, canvasBytes(text));
      renameSync(`${this.address}.tmp`, this.address);
    } else writeFileSync(this.address, canvasBytes(text));
    if (this.file === this.seen) {
      if (this.#isInMemory && this.seen !== undefined) this.#remembered.set(this.seen, this.#isInJournal);
      this.seen = text;
      this.seenIsOurs = false;
      this.#isInMemory = false;
    }
    this.file = text;
  }

  /** Goes on with copies of the folders as they are, as if the process had died here. */
  async crash(folder: string, writing?: { text: string; done: Promise<unknown> }): Promise<void> {
    const before = this.#opened;
    const [vaultDir, dataDir] = [path.join(folder, 'vault'), path.join(folder, 'data')];
    cpSync(before.vaultDir, vaultDir, { recursive: true, filter: (from) => path.basename(from) !== vaultLockName });
    cpSync(before.dataDir, dataDir, { recursive: true, filter: (from) => path.basename(from) !== 'vault.json' });
    this.#opened = await openTestCanvases(this.isOptimised, { vaultDir, dataDir, clock: this.#clock });
    this.#isArmed = false;
    for (const [text, isInJournal] of this.#remembered) if (!isInJournal) this.#remembered.delete(text);
    this.#isInMemory = false;
    if (writing) {
      // It was not answered yet: whether it came to be is open, half of it is not.
      const { items } = await this.canvases.list({ prefix: name, after: '' }, 1);
      if (items[0]?.etag === etagOf(canvasBytes(writing.text))) {
        if (this.seen !== undefined && this.seenIsOurs) this.kept.add(this.seen);
        this.seen = writing.text;
        this.seenIsOurs = true;
      }
      await writing.done;
    }
    await this.flush();
    await before.canvases.close();
  }

  async check(): Promise<void> {
    const read = async () => (await this.canvases.read(name, {})).body?.toString();
    if (this.seen === undefined) await expect(read()).rejects.toMatchObject({ code: 'CANVAS_NOT_FOUND' });
    else expect(await read()).toBe(canvasBytes(this.seen).toString());
    if (this.other !== undefined) {
      expect((await this.canvases.read(otherName, {})).body?.toString()).toBe(canvasBytes(this.other).toString());
    }
    const { items } = await this.canvases.list({ prefix: '', after: '' }, 10);
    const texts = [this.seen, this.other].filter((text) => text !== undefined);
    expect(items.map(({ etag }) => etag)).toEqual(texts.map((text) => etagOf(canvasBytes(text))));
  }

  async checkHistory(): Promise<void> {
    await this.flush();
    if (this.file !== undefined) expect(readFileSync(this.address)).toEqual(canvasBytes(this.file));
    const versions =
      this.seen === undefined && this.kept.size + this.#remembered.size === 0 ? [] : await this.canvases.versions(name);
    const etags = versions.map(({ etag }) => etag);
    for (const text of [...this.kept, ...this.#remembered.keys()])
      expect(etags, text).toContain(etagOf(canvasBytes(text)));
  }
}

async function take(
  model: Model,
  action: Action | 'flush' | 'flip' | 'crash' | 'crash-writing',
  text: string,
): Promise<void> {
  const { canvases, seen } = model;
  const match = { ifMatch: [seen === undefined ? '"none"' : etagOf(canvasBytes(seen))] };
  const missing = seen === undefined;
  switch (action) {
    case 'put':
      await canvases.put(name, canvasBytes(text), {}, false);
      if (!missing && model.seenIsOurs) model.kept.add(seen);
      return model.wrote(text);
    case 'conditional':
      if (missing) return;
      await canvases.put(name, canvasBytes(text), match, false);
      return model.wrote(text);
    case 'stale': {
      const put = canvases.put(name, canvasBytes(text), { ifMatch: ['"stale"'] }, false);
      return void (await expect(put).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' }));
    }
    case 'json-patch':
    case 'merge-patch':
    case 'node-patch':
      if (missing) return;
      await canvases.edit(name, match, (bytes) => edits[action](bytes, text));
      return model.wrote(text);
    case 'other':
      await canvases.put(otherName, canvasBytes(text), {}, false);
      model.other = text;
      return;
    case 'delete':
      if (missing) return;
      await canvases.delete(name, {});
      return model.wrote(undefined);
    case 'move':
      if (missing) return;
      await canvases.move(name, movedName, {});
      await canvases.move(movedName, name, {});
      return model.flush();
    case 'flush':
      return model.flush();
    case 'flip':
      return model.flip();
    case 'crash':
      return model.crash(await temporaryFolder());
    case 'crash-writing': {
      const folder = await temporaryFolder();
      const done = canvases.put(name, canvasBytes(text), {}, false);
      await new Promise((resolve) => setImmediate(resolve));
      return model.crash(folder, { text, done });
    }
    default:
      model.outside(action === 'outside-delete' ? undefined : text, action === 'outside-rename');
  }
}

describe.each(variants)('canvases, $variant, against a model', ({ enabled }) => {
  it('lose nothing in any mixture of writes, edits by other programs, flips and crashes', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
        const model = await Model.open(enabled);
        for (const [index, action] of steps.entries()) {
          await take(model, action, `text ${index}`);
          await model.check();
        }
        await model.checkHistory();
        await model.canvases.close();
      }),
      { seed: 21, numRuns: 30 },
    );
  });
});
