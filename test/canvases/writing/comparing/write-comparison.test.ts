import { describe, expect, it } from 'vitest';
import type { FileState } from '../../../../src/canvases/reading/stored-canvas.js';
import { parseVaultPath } from '../../../../src/canvases/vault/vault-path.js';
import { type AnsweredWrite, WriteComparison } from '../../../../src/canvases/writing/comparing/write-comparison.js';
import type { CurrentCanvas } from '../../../../src/canvases/writing/preconditions.js';
import { applyWrite, type WriteRequest } from '../../../../src/canvases/writing/write-request.js';
import { comparedFlag } from '../../../support/compared-flag.js';
import { bytesOf, etagFor } from '../../support/open-test-queue.js';

const canvas = (text: string) =>
  ({ kind: 'canvas', bytes: bytesOf(text), etag: etagFor(text), modifiedMs: 0, isDurable: true }) as const;
const missing: CurrentCanvas = { kind: 'missing' };

function tried() {
  const { flag, state, outcomes } = comparedFlag({});
  const files = { found: missing as CurrentCanvas, version: 'v1' as string | undefined };
  const written: WriteRequest[] = [];
  let now = 0;
  let isBehind = true;
  const comparison = new WriteComparison({
    flag,
    files: { read: async () => files.found as FileState, ownVersion: () => files.version },
    isBehind: () => isBehind,
    write: async (request) => void written.push(request),
    now: () => now,
  });
  let last: CurrentCanvas = missing;
  /** Answers writes one after the other; `after` where the writer left something else than the request asks for. */
  const answer = (change: WriteRequest['change'], wrong?: CurrentCanvas, text = 'a.canvas') => {
    const path = parseVaultPath(text);
    const request = { path, change, conditions: {} };
    const before = last;
    last = wrong ?? applyWrite(before, request, 0);
    const passed: AnsweredWrite[] = [{ write: { request }, before, after: last }];
    comparison.answered(path, passed);
  };
  const put = (text: string, name?: string) =>
    answer({ kind: 'put', bytes: bytesOf(text), etag: etagFor(text) }, undefined, name);
  const append = (letter: string, wrong?: CurrentCanvas) =>
    answer(
      {
        kind: 'edit',
        heldBytes: 0,
        apply(current) {
          const text = `${JSON.parse(current.toString()).v}${letter}`;
          return { bytes: bytesOf(text), etag: etagFor(text) };
        },
      },
      wrong,
    );
  const catchUp = (found: CurrentCanvas) => {
    files.found = found;
    comparison.written(parseVaultPath('a.canvas'));
    return outcomes();
  };
  return {
    state,
    files,
    written,
    comparison,
    answer,
    put,
    append,
    catchUp,
    pass: (ms: number) => {
      now += ms;
    },
    catchUpFirst: () => {
      isBehind = false;
    },
  };
}

const resultsOf = (compared: { outcome: object }[]) => compared.map(({ outcome }) => outcome);

describe('acknowledged writes carried out once more', () => {
  it('are what the file holds, over several answers', async () => {
    const { put, append, answer, catchUp } = tried();
    put('1');
    append('2');
    append('3');
    expect(resultsOf(await catchUp(canvas('123')))).toEqual([{ result: 'equal' }]);
    answer({ kind: 'delete' });
    expect(resultsOf(await catchUp(missing))).toEqual([{ result: 'equal' }]);
  });

  it('find a file with other bytes, a file that is not there, and one that should not be', async () => {
    const { put, answer, catchUp } = tried();
    put('1');
    expect(resultsOf(await catchUp(canvas('2')))).toMatchObject([{ difference: expect.stringMatching(/from byte 6/) }]);
    put('3');
    const difference = 'in the file: missing, acknowledged: canvas';
    expect(resultsOf(await catchUp(missing))).toEqual([{ result: 'mismatch', difference }]);
    answer({ kind: 'delete' });
    expect(resultsOf(await catchUp(canvas('3')))).toMatchObject([{ result: 'mismatch' }]);
  });

  it('find an edit that was lost, though the file holds what was last acknowledged', async () => {
    const { put, append, catchUp } = tried();
    put('1');
    append('2', canvas('1'));
    append('3');
    expect(resultsOf(await catchUp(canvas('13')))).toMatchObject([{ result: 'mismatch' }]);
  });

  it('find a write that should have been refused', async () => {
    const { put, append, catchUp, answer } = tried();
    put('1');
    answer({ kind: 'delete' }, missing);
    append('2', canvas('2'));
    const difference = 'write 3 of 3 is refused the original way';
    expect(resultsOf(await catchUp(canvas('2')))).toEqual([{ result: 'mismatch', difference }]);
  });

  it('say nothing of a file that another program has written, or of writes that are followed no more', async () => {
    const { put, catchUp, files, comparison, pass, state, catchUpFirst } = tried();
    put('1');
    files.version = undefined;
    expect(resultsOf(await catchUp(canvas('2')))).toEqual([{ result: 'skipped' }]);
    files.version = 'v1';
    put('3');
    comparison.forget('a.canvas');
    expect(await catchUp(canvas('2'))).toEqual([]);
    put('4', 'other.canvas');
    put('5');
    expect(await catchUp(canvas('2'))).toEqual([]);
    pass(31_000);
    put('6');
    expect(resultsOf(await catchUp(canvas('6')))).toEqual([{ result: 'equal' }]);
    for (let i = 0; i < 201; i++) put(`${i}`);
    expect(await catchUp(canvas('2'))).toEqual([]);
    state.isSampling = false;
    put('7');
    expect(await catchUp(canvas('2'))).toEqual([]);
    state.isSampling = true;
    catchUpFirst();
    put('8');
    expect(await catchUp(canvas('2'))).toEqual([]);
    comparison.answered(parseVaultPath('a.canvas'), []);
  });

  it('put right what the file holds otherwise, unless somebody has written it since', async () => {
    const { put, answer, catchUp, written } = tried();
    const mend = async (found: CurrentCanvas) => {
      for (const { putRight } of await catchUp(found)) await putRight?.();
      return written.splice(0).map(({ change, conditions }) => [change.kind, conditions]);
    };
    put('1');
    expect(await mend(canvas('2'))).toEqual([['put', { ifMatch: [etagFor('2')] }]]);
    put('3');
    expect(await mend(missing)).toEqual([['put', { ifNoneMatch: '*' }]]);
    answer({ kind: 'delete' });
    expect(await mend(canvas('3'))).toEqual([['delete', { ifMatch: [etagFor('3')] }]]);
  });
});
