import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { configInvalid } from '../errors.js';

const maxDepth = 6;
const maxOpenBrackets = 100;
const maxIndentColumns = 40;
const maxIndicatorsInLine = 8;

/**
 * A YAML text as plain values (objects have no prototype), and where each came from.
 * `lineOf` takes a JSON pointer and counts from 1.
 * @source YAML 1.2.2, section 3.2.1
 */
export interface YamlDocument {
  value: unknown;
  lineOf(pointer: string): number | undefined;
}

const refuse = (pointer: string, message: string) => configInvalid([{ pointer, message }]);

/**
 * Bounds the nesting before the text reaches the parser, which recurses: some thousand levels overflow its stack,
 * and compiling a regular expression at the stack's edge ends the process, not only the call.
 * Brackets are counted wherever they stand outside whole-line comments, since quotes can hide a closing one.
 */
function refuseDeepNesting(text: string): void {
  let brackets = 0;
  for (const line of text.split(/\r\n|\r|\n/)) {
    const content = line.trimStart();
    if (content.startsWith('#') || content === '') continue;
    brackets += content.match(/[[{]/g)?.length ?? 0;
    const indicators = content.match(/[-?:](?=\s|$)/g)?.length ?? 0;
    const indent = line.length - content.length;
    if (brackets > maxOpenBrackets || indicators > maxIndicatorsInLine || indent > maxIndentColumns) {
      throw refuse('', `expected at most ${maxDepth} levels of sections, got more`);
    }
  }
}

/**
 * Reads the YAML that configuration needs and nothing beyond: sections, lists and plain values. Anchors, aliases,
 * tags, merge keys, several documents, keys that are no text and duplicate keys are refused, so that no file, however
 * made, costs more than its length.
 * @throws Problem `OPTIMIZATION_CONFIG_INVALID` naming the line
 * @source YAML 1.2.2; yaml documentation, "Documents"
 */
export function readYaml(text: string): YamlDocument {
  refuseDeepNesting(text);
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { version: '1.2', schema: 'core', prettyErrors: false, lineCounter });
  const lineAt = (offset: number | undefined) => (offset === undefined ? undefined : lineCounter.linePos(offset).line);
  const fault = document.errors[0];
  if (fault) throw refuse('', `line ${lineAt(fault.pos[0])}: ${fault.message}`);
  if (document.contents === null) throw refuse('', 'expected settings, got an empty file');

  const lines = new Map<string, number>();
  const plain = (node: Node | null, pointer: string, depth: number): unknown => {
    const line = lineAt(node?.range?.[0]);
    const refuseHere = (message: string) => refuse(pointer, line === undefined ? message : `${message} (line ${line})`);
    if (depth > maxDepth) throw refuseHere(`expected at most ${maxDepth} levels of sections`);
    if (node === null) return null;
    if (isAlias(node) || (node as { anchor?: string }).anchor !== undefined) {
      throw refuseHere('expected a value, got an anchor or alias');
    }
    if (node.tag !== undefined) throw refuseHere('expected a plain value, got one with a tag');
    if (isScalar(node)) return node.value;
    if (isSeq(node)) return node.items.map((item, index) => plain(item as Node, `${pointer}/${index}`, depth + 1));
    if (!isMap(node)) throw refuseHere('expected a value');
    const values: Record<string, unknown> = Object.create(null);
    for (const { key, value } of node.items) {
      if (!isScalar(key) || typeof key.value !== 'string') throw refuseHere('expected names as keys');
      const inside = `${pointer}/${key.value}`;
      lines.set(inside, lineAt(key.range?.[0]) ?? 0);
      values[key.value] = plain(value as Node | null, inside, depth + 1);
    }
    return values;
  };
  return { value: plain(document.contents, '', 0), lineOf: (pointer) => lines.get(pointer) };
}
