/** A history that the system lets nobody read. */
import { expect, it } from 'vitest';
import { putOrMerge } from '../../src/canvases/edits/merge/put-or-merge.js';
import { preconditionFailed } from '../../src/canvases/errors.js';
import { type CanvasesParts, OpenedCanvases } from '../../src/canvases/opened-canvases.js';
import { canvasBytes } from './support/canvas-bytes.js';

const refuse = async () => {
  throw Object.assign(new Error('i/o error'), { code: 'EIO' });
};
const canvases = new OpenedCanvases({
  history: { list: refuse, read: refuse },
  files: { keepOverwritten: async () => {} },
  queue: { unwritten: { drain: async () => {}, newest: () => undefined } },
  overwritten: { archive: async () => {}, bytesOf: () => undefined },
  recent: { bytesOf: () => undefined },
  reader: { read: async () => ({ state: { kind: 'missing' }, cache: 'off' }) },
} as unknown as CanvasesParts);
const unavailable = { code: 'VAULT_UNAVAILABLE', kind: 'unavailable' };

it('a history that cannot be read is a 503 to whoever asks for versions', async () => {
  await expect(canvases.versions('a.canvas')).rejects.toMatchObject(unavailable);
  await expect(canvases.readVersion('a.canvas', 'x')).rejects.toMatchObject(unavailable);
  await expect(canvases.bytesOf('a.canvas', '"x"')).rejects.toMatchObject(unavailable);
});

it('a write that names an old version is stale although nobody knows that version; a merge needs it', async () => {
  const put = (merges: boolean) =>
    putOrMerge(
      {
        put: async () => {
          throw preconditionFailed('"new"');
        },
        edit: () => refuse(),
        bytesOf: (path, etag) => canvases.bytesOf(path, etag),
      },
      { path: 'a.canvas', body: canvasBytes('1'), conditions: { ifMatch: ['"old"'] }, isAsync: false, merges },
    );
  await expect(put(false)).rejects.toMatchObject({ code: 'PRECONDITION_FAILED', extra: { base: 'unknown' } });
  await expect(put(true)).rejects.toMatchObject(unavailable);
});
