import { describe, expect, it } from 'vitest';
import {
  type CurrentCanvas,
  checkPreconditions,
  matchesStrongly,
  matchesWeakly,
  parseEtagList,
} from '../../../src/canvases/writing/preconditions.js';

const canvas: CurrentCanvas = {
  kind: 'canvas',
  bytes: Buffer.alloc(0),
  etag: '"a"',
  modifiedMs: 10_500,
  isDurable: true,
};

describe('a list of ETags', () => {
  it.each([
    [undefined, undefined],
    ['*', '*'],
    [' * ', '*'],
    ['"a"', ['"a"']],
    ['"a", W/"b" ,"c,d"', ['"a"', 'W/"b"', '"c,d"']],
    ['a', []],
    ['', []],
    ['"unclosed', []],
  ])('reads %j as %j', (header, list) => {
    expect(parseEtagList(header)).toEqual(list);
  });

  it('compares strongly for writes and weakly for reads', () => {
    expect(matchesStrongly(['W/"a"'], '"a"')).toBe(false);
    expect(matchesWeakly(['W/"a"'], '"a"')).toBe(true);
    expect(matchesStrongly(['"a"'], '"a"')).toBe(true);
    expect(matchesWeakly([], '"a"')).toBe(false);
    expect(matchesStrongly('*', undefined)).toBe(true);
  });
});

describe('preconditions of a write', () => {
  it.each([
    [{}, true, true],
    [{ ifMatch: ['"a"'] }, true, false],
    [{ ifMatch: ['"b"', '"a"'] }, true, false],
    [{ ifMatch: ['"b"'] }, false, false],
    [{ ifMatch: [] }, false, false],
    [{ ifMatch: '*' as const }, true, false],
    [{ ifNoneMatch: '*' as const }, false, true],
    [{ ifNoneMatch: ['"a"'] }, false, true],
    [{ ifNoneMatch: ['"b"'] }, true, true],
    [{ ifUnmodifiedSinceMs: 10_000 }, true, false],
    [{ ifUnmodifiedSinceMs: 9_999 }, false, false],
    [{ ifUnmodifiedSinceMs: 0, ifMatch: ['"a"'] }, true, false],
  ])('%j: passes on a canvas: %s, on a missing one: %s', (conditions, onCanvas, onMissing) => {
    const passes = (current: CurrentCanvas) => {
      try {
        checkPreconditions(conditions, current);
        return true;
      } catch (error) {
        expect(error).toMatchObject({ code: 'PRECONDITION_FAILED' });
        return false;
      }
    };
    expect(passes(canvas)).toBe(onCanvas);
    expect(passes({ kind: 'missing' })).toBe(onMissing);
  });

  it('a refusal carries the ETag that is current', () => {
    expect(() => checkPreconditions({ ifMatch: [] }, canvas)).toThrow(
      expect.objectContaining({ extra: { etag: '"a"' }, headers: { etag: '"a"' } }),
    );
    expect(() => checkPreconditions({ ifMatch: '*' }, { kind: 'missing' })).toThrow(
      expect.objectContaining({ extra: { etag: null } }),
    );
  });

  it('what nobody could read is replaced only with If-Match', () => {
    const unreadable: CurrentCanvas = { kind: 'unreadable', etag: '"x"', modifiedMs: 0 };
    expect(() => checkPreconditions({}, unreadable)).toThrow(expect.objectContaining({ code: 'CANVAS_FILE_INVALID' }));
    expect(() => checkPreconditions({ ifMatch: ['"x"'] }, unreadable)).not.toThrow();
    const tooLarge: CurrentCanvas = { kind: 'unreadable', etag: undefined, modifiedMs: 0 };
    expect(() => checkPreconditions({}, tooLarge)).toThrow(/If-Match: \*/);
    expect(() => checkPreconditions({ ifMatch: '*' }, tooLarge)).not.toThrow();
  });
});
