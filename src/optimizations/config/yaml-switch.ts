import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from 'yaml';

type Edit = { at: number; end: number; insert: string };

const keyOf = (pair: Pair) => (isScalar(pair.key) ? pair.key.value : undefined);
const pairOf = (map: YAMLMap, key: string) => map.items.find((pair) => keyOf(pair) === key);
const startOf = (node: unknown) => (node as { range?: [number, number, number] | null }).range?.[0];

/** Puts `text` in front of the first key of a section; undefined where the layout leaves no plain place for it. */
function inFront(source: string, map: YAMLMap, newline: string, textOf: (indent: string) => string): Edit | undefined {
  const start = startOf(map);
  if (start === undefined) return undefined;
  if (map.flow) {
    const text = textOf('').trimEnd();
    return { at: start + 1, end: start + 1, insert: map.items.length > 0 ? `${text}, ` : text };
  }
  const at = startOf(map.items[0]?.key);
  if (at === undefined) return undefined;
  const indent = source.slice(source.lastIndexOf('\n', at - 1) + 1, at);
  if (indent.trim() !== '') return undefined;
  return { at, end: at, insert: `${textOf(indent)}${newline}${indent}` };
}

/** A section behind all others, where a comment above the first one stays what it was. */
function atTheEnd(source: string, root: YAMLMap, newline: string, section: string, enabled: boolean): Edit | undefined {
  if (root.flow) return inFront(source, root, newline, () => `${section}: {enabled: ${enabled}}`);
  const at = startOf(root.items[0]?.key);
  if (at === undefined) return undefined;
  const indent = source.slice(source.lastIndexOf('\n', at - 1) + 1, at);
  const gap = source.endsWith('\n') ? '' : newline;
  const lines = [`${indent}${section}:`, `${indent}  enabled: ${enabled}`, ''];
  return { at: source.length, end: source.length, insert: gap + lines.join(newline) };
}

function editFor(source: string, section: string | undefined, enabled: boolean): Edit | undefined {
  const root = parseDocument(source, { version: '1.2', schema: 'core', prettyErrors: false }).contents;
  if (!isMap(root)) return undefined;
  const newline = source.includes('\r\n') ? '\r\n' : '\n';
  const within = section === undefined ? root : pairOf(root, section)?.value;
  if (section !== undefined && within === undefined) return atTheEnd(source, root, newline, section, enabled);
  if (!isMap(within)) return undefined;
  const value = pairOf(within, 'enabled')?.value;
  if (value === undefined) return inFront(source, within, newline, () => `enabled: ${enabled}`);
  if (!isScalar(value) || !value.range) return undefined;
  return { at: value.range[0], end: value.range[1], insert: String(enabled) };
}

/**
 * The text of a configuration with one switch set and every other character, comments included, as it was. A section
 * or key that is missing is added.
 * @param section name of the flag's section; undefined for the master switch
 * @returns undefined where the text is laid out so that this cannot be done; whoever calls checks what came out
 * @source product contract, Monitoring ("a flip is written back to the YAML with comments kept")
 */
export function withSwitch(source: string, section: string | undefined, enabled: boolean): string | undefined {
  const edit = editFor(source, section, enabled);
  return edit && source.slice(0, edit.at) + edit.insert + source.slice(edit.end);
}
