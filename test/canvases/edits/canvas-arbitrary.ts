import fc from 'fast-check';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };
export interface Canvas extends JsonObject {
  nodes: JsonObject[];
  edges: JsonObject[];
}

/** One spelling for all texts of one meaning, `__proto__` keys included. */
export function canonical(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'nothing';
  const members = Object.keys(value).sort();
  return `{${members.map((key) => `${JSON.stringify(key)}:${canonical(own(value, key))}`).join()}}`;
}

export const own = (object: JsonObject, key: string): Json | undefined =>
  Object.getOwnPropertyDescriptor(object, key)?.value;

/** Sets a member as JSON.parse does: `__proto__` is a key like any other. */
export function set(object: JsonObject, key: string, value: Json): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

export const clone = <T extends Json>(value: T): T => JSON.parse(JSON.stringify(value));

/** RFC 7396, section 2, on objects. */
export function mergePatched(target: Json | undefined, patch: Json): Json {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: JsonObject =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? clone(target) : {};
  for (const key of Object.keys(patch)) {
    const value = own(patch, key) as Json;
    if (value === null) delete result[key];
    else set(result, key, mergePatched(own(result, key), value));
  }
  return result;
}

const oddText = fc.constantFrom(
  '',
  '__proto__',
  'constructor',
  'a/b',
  'm~n',
  '~01',
  '"id"',
  '\\',
  '\ud800',
  '😀',
  'é',
  '节点',
  '\u0000',
);
export const text = fc.oneof(oddText, fc.string({ maxLength: 12, unit: 'binary' }));
const key = fc.oneof(text, fc.constantFrom('a', 'b', 'c', 'foo'));
const leaf = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  text,
);

const objectOf = (value: fc.Arbitrary<Json>, maxKeys = 4): fc.Arbitrary<JsonObject> =>
  fc
    .uniqueArray(fc.tuple(key, value), { maxLength: maxKeys, selector: ([name]) => name })
    .map((entries) => Object.fromEntries(entries));

/** Values up to four levels deep, with hostile keys. `-0` is left out: JSON.stringify does not write it. */
export const json: fc.Arbitrary<Json> = fc
  .letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'json' },
      leaf,
      fc.array(tie('value'), { maxLength: 4 }),
      objectOf(tie('value')),
    ),
  }))
  .value.map((value) => clone(value));

export const jsonObject = objectOf(json);

const id = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('n1', 'n2', 'n3', 'n4', 'n5', 'n6') },
  { weight: 1, arbitrary: text.filter((value) => value !== '') },
);

export const node = (nodeId: fc.Arbitrary<string> = id): fc.Arbitrary<JsonObject> =>
  fc
    .tuple(nodeId, fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), text, fc.option(jsonObject))
    .map(([name, x, y, words, extra]) => {
      const result: JsonObject = clone({ id: name, type: 'text', text: words, x, y, width: 10, height: 20 });
      if (extra) set(result, 'extra', extra);
      return result;
    });

export const canvas: fc.Arbitrary<Canvas> = fc
  .tuple(
    fc.uniqueArray(node(), { maxLength: 8, selector: (value) => value.id }),
    fc.uniqueArray(fc.tuple(id, fc.nat(), fc.nat()), { maxLength: 8, selector: ([name]) => name }),
    fc.option(json),
  )
  .map(([nodes, ties, metadata]) => {
    const end = (at: number) => nodes[at % nodes.length]?.id ?? '';
    const edges =
      nodes.length === 0 ? [] : ties.map(([name, from, to]) => ({ id: name, fromNode: end(from), toNode: end(to) }));
    return { nodes, edges, ...(metadata === null ? {} : { metadata }) };
  });

/** As Obsidian writes: tabs, one node or edge a line. */
function obsidianText(value: JsonObject): string {
  const members = Object.keys(value).map((name) => {
    const member = own(value, name);
    if (!Array.isArray(member) || member.length === 0) return `\t${JSON.stringify(name)}:${JSON.stringify(member)}`;
    return `\t${JSON.stringify(name)}:[\n${member.map((element) => `\t\t${JSON.stringify(element)}`).join(',\n')}\n\t]`;
  });
  return members.length === 0 ? '{}' : `{\n${members.join(',\n')}\n}`;
}

/** Random white space between all tokens, and needless escapes. */
function wildText(value: Json, seed: number): string {
  let state = seed;
  const pick = (count: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 16) % count;
  };
  const space = () => ['', '', '', ' ', '\n', '\t', '\r\n', '  \n '][pick(8)] ?? '';
  const spelled = (words: string) =>
    pick(3) > 0
      ? JSON.stringify(words)
      : `"${[...Array(words.length).keys()].map((i) => `\\u${words.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`;
  const write = (part: Json): string => {
    if (typeof part === 'string') return spelled(part);
    if (Array.isArray(part)) return `[${part.map((element) => space() + write(element) + space()).join()}${space()}]`;
    if (typeof part !== 'object' || part === null) return JSON.stringify(part);
    const members = Object.keys(part).map(
      (name) => `${space()}${spelled(name)}${space()}:${space()}${write(own(part, name) as Json)}${space()}`,
    );
    return `{${members.join()}${space()}}`;
  };
  return space() + write(value) + space();
}

export const layouts: Record<string, (value: JsonObject, seed: number) => string> = {
  obsidian: obsidianText,
  compact: (value) => JSON.stringify(value),
  tabs: (value) => JSON.stringify(value, null, '\t'),
  spaces: (value) => `${JSON.stringify(value, null, 2)}\n`,
  windows: (value) => JSON.stringify(value, null, 4).replaceAll('\n', '\r\n'),
  wild: wildText,
};

/** A value written in one of many ways. */
export const written = <T extends JsonObject>(value: fc.Arbitrary<T>): fc.Arbitrary<{ value: T; bytes: Buffer }> =>
  fc.tuple(value, fc.constantFrom(...Object.keys(layouts)), fc.nat()).map(([object, layout, seed]) => ({
    value: object,
    bytes: Buffer.from(layouts[layout]?.(object, seed) ?? ''),
  }));

export const parsed = (bytes: Buffer): Json => JSON.parse(bytes.toString());
