import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyMergePatch } from '../../../src/canvases/edits/patch/merge-patch.js';
import { canonical, canvas, type Json, json, jsonObject, mergePatched, parsed, written } from './canvas-arbitrary.js';

const merged = (start: string, patch: unknown) => applyMergePatch(Buffer.from(start), patch).bytes.toString();

describe('JSON Merge Patch on text', () => {
  it('does what RFC 7396 says, in any layout', () => {
    const patch: fc.Arbitrary<Json> = fc.oneof(
      json,
      fc.record({ metadata: json, extra: jsonObject }),
      fc.record({ nodes: fc.constant(null), edges: json, metadata: jsonObject }, { requiredKeys: [] }),
    );
    fc.assert(
      fc.property(
        written(canvas),
        fc.array(patch, { maxLength: 3 }),
        fc.boolean(),
        ({ value, bytes }, patches, asBytes) => {
          let text = bytes;
          let expected: Json = value;
          for (const one of patches) {
            text = applyMergePatch(text, asBytes ? Buffer.from(JSON.stringify(one, null, 1)) : one).bytes;
            expected = mergePatched(expected, one);
          }
          expect(canonical(parsed(text))).toBe(canonical(expected));
        },
      ),
      { seed: 7396, numRuns: 500 },
    );
  });

  it.each<[string, string, string]>([
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"a":"foo"}', 'null', 'null'],
    ['{"a":"foo"}', '"bar"', '"bar"'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ])('RFC 7396 appendix A: %s with %s is %s', (start, patch, expected) => {
    expect(JSON.parse(merged(start, Buffer.from(patch)))).toEqual(JSON.parse(expected));
    expect(JSON.parse(merged(start, JSON.parse(patch)))).toEqual(JSON.parse(expected));
  });

  it('leaves the bytes of all that it does not name, and of what has the value already', () => {
    const start = '{ "nodes" : [ ] ,\n "meta": {"b" :1.0,"c":[1,  2]} }\n';
    expect(merged(start, { meta: { b: 1, c: [1, 2], d: null } })).toBe(start);
    expect(merged(start, { meta: { b: 2 } })).toBe(start.replace('1.0', '2'));
    const bytes = Buffer.from(start);
    expect(applyMergePatch(bytes, {})).toMatchObject({ changed: false });
    expect(applyMergePatch(bytes, {}).bytes).toBe(bytes);
  });

  it('names the top-level keys that changed', () => {
    const { touched } = applyMergePatch(Buffer.from('{"nodes":[],"a":1,"b":{"c":1}}'), { a: null, b: { c: 2 }, d: 3 });
    expect(touched).toMatchObject({ whole: false, keys: ['a', 'b', 'd'] });
  });
});
