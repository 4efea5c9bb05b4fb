import fc from 'fast-check';
import { expect, it } from 'vitest';
import { foldCanvasPath } from '../../../src/canvases/index.js';

it.each([
  ['/canvas', '/canvas'],
  ['/canvas?prefix=a/b.canvas/c', '/canvas?prefix=a/b.canvas/c'],
  ['/canvases/a/b', '/canvases/a/b'],
  ['/canvas/a.canvas', '/canvas/a.canvas'],
  ['/canvas/a/b.canvas', '/canvas/a%2Fb.canvas'],
  ['/canvas/a/b.canvas?x=/y.canvas', '/canvas/a%2Fb.canvas?x=/y.canvas'],
  ['/canvas/a/b.canvas/nodes/1', '/canvas/a%2Fb.canvas/nodes/1'],
  ['/canvas/a/b%2Ecanvas/nodes', '/canvas/a%2Fb%2Ecanvas/nodes'],
  ['/canvas/a%2Fb.canvas/nodes', '/canvas/a%2Fb.canvas/nodes'],
  ['/canvas/a/b.CANVAS/nodes', '/canvas/a%2Fb.CANVAS%2Fnodes'],
  ['/canvas/a.canvas/b.canvas', '/canvas/a.canvas/b.canvas'],
  ['/canvas/a/b', '/canvas/a%2Fb'],
  ['/canvas/a/', '/canvas/a%2F'],
  ['/canvas//a.canvas', '/canvas/%2Fa.canvas'],
  ['/canvas/../a.canvas', '/canvas/..%2Fa.canvas'],
  ['/canvas/%252e%252e/a.canvas', '/canvas/%252e%252e%2Fa.canvas'],
  ['/canvas/%zz/a.canvas', '/canvas/%zz%2Fa.canvas'],
  ['/canvas/events', '/canvas/events'],
  ['/canvas/', '/canvas/'],
])('%s becomes %s', (url, folded) => {
  expect(foldCanvasPath(url)).toBe(folded);
});

it('changes nothing but slashes, and nothing a second time', () => {
  const part = fc.constantFrom('a', '/', '.canvas', '%2F', '%25', '?', '..', '#', 'é', '%');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const url = `/canvas/${parts.join('')}`;
      const folded = foldCanvasPath(url);
      expect(folded.replaceAll('%2F', '/')).toBe(url.replaceAll('%2F', '/'));
      expect(foldCanvasPath(folded)).toBe(folded);
    }),
    { seed: 1, numRuns: 1000 },
  );
});
