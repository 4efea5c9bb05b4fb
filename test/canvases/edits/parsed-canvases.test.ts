import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCanvas } from '../../../src/canvases/document/canvas.js';
import { isKnownValid } from '../../../src/canvases/document/valid-canvases.js';
import { applyElementEdits } from '../../../src/canvases/edits/canvas-editor.js';
import { type AddedElements, parsedCanvases } from '../../../src/canvases/edits/parsed-canvases.js';
import { canonical, canvas, type Json, node, parsed, text, written } from './canvas-arbitrary.js';

/** A vault of one canvas that keeps each version. */
function vaultOf(bytes: Buffer) {
  const versions = [bytes];
  const newest = () => versions.at(-1) as Buffer;
  const canvases = {
    newest: async () => ({ bytes: newest(), etag: `"${versions.length}"` }),
    async edit(_path: string, _conditions: object, apply: (current: Buffer) => Buffer) {
      versions.push(apply(newest()));
      return {
        outcome: 'replaced' as const,
        path: 'a.canvas',
        etag: `"${versions.length}"`,
        bytes: newest().length,
      };
    },
  };
  return { versions, newest, parsed: parsedCanvases(canvases) };
}

const card = (id: string) => ({ id, type: 'text', text: id, x: 0, y: 0, width: 1, height: 1 });
const noted = (value: object) => {
  const bytes = Buffer.from(JSON.stringify(value));
  parseCanvas(bytes);
  return bytes;
};

describe('canvases for those who draw', () => {
  it('show after each drawing what its bytes say, and add it as one edit of its own would', async () => {
    const drawing = fc.record({
      nodes: fc.uniqueArray(node(), { maxLength: 3, selector: (value) => value.id }),
      edges: fc.array(fc.record({ id: text, from: fc.nat(), to: fc.nat(), label: fc.option(text) }), { maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(written(canvas), fc.array(drawing, { maxLength: 6 }), async ({ bytes }, drawings) => {
        parseCanvas(bytes);
        const vault = vaultOf(bytes);
        for (const { nodes, edges } of drawings) {
          const before = vault.newest();
          const drawn: { added?: AddedElements } = {};
          const draw = (seen: unknown) => {
            expect(canonical(seen as Json)).toBe(canonical(parsed(before)));
            const known = [...(seen as { nodes: { id: string }[] }).nodes, ...nodes] as { id: string }[];
            const end = (at: number) => known[at % known.length]?.id ?? 'nobody';
            const made = edges.map(({ id, from, to, label }) => ({
              id,
              fromNode: end(from),
              toNode: end(to),
              label: label ?? undefined,
            }));
            drawn.added = { nodes, edges: made };
            return drawn.added;
          };
          const outcome = await vault.parsed.add('a.canvas', draw).then(
            () => 'added',
            (error: { code?: string }) => error.code,
          );
          const { added } = drawn as { added: AddedElements };
          const alone = () =>
            applyElementEdits(Buffer.from(before), [
              ...added.nodes.map((each) => ({ op: 'addNode', node: each }) as const),
              ...added.edges.map((edge) => ({ op: 'addEdge', edge }) as const),
            ]);
          if (outcome === 'added') {
            expect(canonical(parsed(vault.newest()))).toBe(canonical(parsed(alone().bytes)));
            expect(isKnownValid(vault.newest())).toBe(true);
          } else {
            expect(vault.newest()).toBe(before);
          }
          const seen = (await vault.parsed.read('a.canvas')) as Json;
          expect(canonical(seen)).toBe(canonical(parsed(vault.newest())));
        }
      }),
      { seed: 29, numRuns: 150 },
    );
  });

  it('do not read again what a drawing left as it was', async () => {
    const vault = vaultOf(noted({ nodes: [card('a')], edges: [] }));
    const before = (await vault.parsed.read('a.canvas')) as { nodes: object[] };
    await vault.parsed.add('a.canvas', () => ({ nodes: [card('b')], edges: [] }));
    const after = (await vault.parsed.read('a.canvas')) as { nodes: object[] };
    expect(after.nodes).toEqual([card('a'), card('b')]);
    expect(after.nodes[0]).toBe(before.nodes[0]);
    expect(before.nodes).toHaveLength(1);
  });

  it('leave nothing of a drawing that was refused in the next one', async () => {
    const vault = vaultOf(noted({ nodes: [card('a')], edges: [] }));
    await vault.parsed.add('a.canvas', () => ({ nodes: [card('b')], edges: [] }));
    const refused = { nodes: [card('c'), card('a')], edges: [] };
    await expect(vault.parsed.add('a.canvas', () => refused)).rejects.toMatchObject({ code: 'CANVAS_ID_TAKEN' });
    const broken = { nodes: [{ id: 'd' }], edges: [] };
    await expect(vault.parsed.add('a.canvas', () => broken)).rejects.toMatchObject({ code: 'CANVAS_INVALID' });
    await vault.parsed.add('a.canvas', () => ({ nodes: [card('e')], edges: [] }));
    expect(parsed(vault.newest())).toEqual({ nodes: [card('a'), card('b'), card('e')], edges: [] });
  });

  it('draw on a canvas that has no nodes or no edges yet', async () => {
    const vault = vaultOf(noted({}));
    await vault.parsed.add('a.canvas', () => ({ nodes: [card('a')], edges: [] }));
    expect(await vault.parsed.read('a.canvas')).toEqual({ nodes: [card('a')] });
  });

  it('change nothing when nothing is drawn', async () => {
    const vault = vaultOf(noted({ nodes: [card('a')], edges: [] }));
    await vault.parsed.add('a.canvas', () => ({ nodes: [], edges: [] }));
    expect(vault.versions[1]).toBe(vault.versions[0]);
  });
});
