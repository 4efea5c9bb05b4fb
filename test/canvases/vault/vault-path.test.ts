import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findVaultPath, foldName, isVaultFolderName, parseVaultPath } from '../../../src/canvases/vault/vault-path.js';

describe('the path of a canvas', () => {
  it.each([
    ['a.canvas', [], 'a.canvas'],
    ['a/b/c.canvas', ['a', 'b'], 'c.canvas'],
    ['笔记/学习 1.canvas', ['笔记'], '学习 1.canvas'],
    ['%2e%2e.canvas', [], '%2e%2e.canvas'],
    ['console.canvas', [], 'console.canvas'],
    ['a..b.canvas', [], 'a..b.canvas'],
    [`${'é'.repeat(124)}.canvas`, [], `${'é'.repeat(124)}.canvas`],
  ])('takes %j', (text, folders, name) => {
    expect(parseVaultPath(text)).toEqual({ text, folders, name });
  });

  it.each([
    ['', /empty parts/],
    ['/a.canvas', /empty parts/],
    ['a//b.canvas', /empty parts/],
    ['../a.canvas', /dot/],
    ['a/../b.canvas', /dot/],
    ['./a.canvas', /dot/],
    ['.obsidian/a.canvas', /dot/],
    ['a/.git/b.canvas', /dot/],
    ['.canvas', /dot/],
    ['a/.canvas', /dot/],
    ['a', /ends in \.canvas/],
    ['a.CANVAS', /ends in \.canvas/],
    ['a.canvas.js', /ends in \.canvas/],
    ['a.canvas/', /empty parts/],
    ['a.canvas/b.canvas', /no folder that ends/],
    ['a\\b.canvas', /backslash/],
    ['..\\a.canvas', /backslash/],
    ['a\u0000.canvas', /control/],
    ['a\n.canvas', /control/],
    ['a\u009f.canvas', /control/],
    ['\ud800.canvas', /Unicode/],
    ['C:/a.canvas', /colon/],
    ['a.canvas::$DATA', /colon/],
    ['CON.canvas', /device/],
    ['nul/a.canvas', /device/],
    ['aux.tar.canvas', /device/],
    ['COM1 .canvas', /device/],
    ['lpt\u00b2.canvas', /device/],
    ['a./b.canvas', /end in a dot/],
    ['a /b.canvas', /end in a dot/],
    ['a.canvas ', /end in a dot/],
    [`${'a'.repeat(249)}.canvas`, /255 bytes/],
    [`${'é'.repeat(125)}.canvas`, /255 bytes/],
    [`${'a/'.repeat(2048)}b.canvas`, /4096 bytes/],
    ['a/'.repeat(100_000), /4096 bytes/],
  ])('refuses %j', (text, message) => {
    expect(() => parseVaultPath(text)).toThrow(
      expect.objectContaining({
        code: 'CANVAS_PATH_INVALID',
        kind: 'invalid',
        message: expect.stringMatching(message),
      }),
    );
    expect(findVaultPath(text)).toBeUndefined();
  });

  it('never leaves the vault, whatever is asked for', () => {
    const part = fc.constantFrom(
      '..',
      '.',
      '',
      'a',
      '\\',
      '%2e',
      '/',
      'b.canvas',
      '.canvas',
      ' ',
      ':',
      '\u0000',
      'con',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(part, fc.string({ unit: 'binary', maxLength: 4 })), { maxLength: 8 }), (parts) => {
        const text = parts.join('');
        const path = findVaultPath(text);
        if (path === undefined) return;
        expect(new URL(encodeURI(text).replaceAll('#', '%23').replaceAll('?', '%3f'), 'file:///vault/').href).toMatch(
          /^file:\/\/\/vault\/.*\.canvas$/,
        );
        for (const segment of [...path.folders, path.name]) expect(['', '.', '..']).not.toContain(segment);
        expect([...path.folders, path.name].join('/')).toBe(text);
      }),
      { seed: 11, numRuns: 600 },
    );
  });
});

it('knows which folders may hold canvases', () => {
  expect(['a', '笔记'].every(isVaultFolderName)).toBe(true);
  expect(['.git', 'x.canvas', 'con', 'a:b', ''].some(isVaultFolderName)).toBe(false);
});

it('folds names that other file systems take for one', () => {
  expect(foldName('Äb.canvas')).toBe(foldName('a\u0308B.canvas'));
  expect(foldName('ΣΑΣ')).toBe(foldName('σας'));
  expect(foldName('a')).not.toBe(foldName('b'));
});
