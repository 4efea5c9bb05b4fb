import { describe, expect, it } from 'vitest';
import { canvasBusy, readFailure, writeFailure } from '../../src/canvases/errors.js';

const systemError = (code: string) => Object.assign(new Error(`${code}: no, '/secret/place'`), { code });

describe('an error of the system becomes a problem that names no path', () => {
  it.each([
    ['ENOSPC', 'STORAGE_FULL', 'storage_full'],
    ['EDQUOT', 'STORAGE_FULL', 'storage_full'],
    ['EROFS', 'VAULT_NOT_WRITABLE', 'unavailable'],
    ['EACCES', 'VAULT_NOT_WRITABLE', 'unavailable'],
    ['EPERM', 'VAULT_NOT_WRITABLE', 'unavailable'],
    ['EIO', 'VAULT_UNAVAILABLE', 'unavailable'],
    ['EMFILE', 'VAULT_UNAVAILABLE', 'unavailable'],
    ['ENAMETOOLONG', 'CANVAS_PATH_INVALID', 'invalid'],
    ['ELOOP', 'CANVAS_NOT_FOUND', 'missing'],
  ])('writing: %s is %s', (errno, code, kind) => {
    const failure = writeFailure(systemError(errno)) as Error;
    expect(failure).toMatchObject({ code, kind });
    expect(failure.message).not.toMatch(/secret|E[A-Z]{3}/);
  });

  it.each([
    ['ENOENT', 'CANVAS_NOT_FOUND'],
    ['ENAMETOOLONG', 'CANVAS_NOT_FOUND'],
    ['EACCES', 'VAULT_UNAVAILABLE'],
    ['EMFILE', 'VAULT_UNAVAILABLE'],
  ])('reading: %s is %s', (errno, code) => {
    expect(readFailure(systemError(errno))).toMatchObject({ code });
  });

  it('passes on what is a problem already, and what is a fault of ours', () => {
    const fault = new TypeError('x is not a function');
    const problem = canvasBusy();
    for (const map of [readFailure, writeFailure]) {
      expect(map(fault)).toBe(fault);
      expect(map(problem)).toBe(problem);
    }
  });
});
