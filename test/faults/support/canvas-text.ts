/**
 * Canvases that show which write made them: the number of the write stands in every part of the text, so that a mix of
 * two writes, or half of one, is told from a whole one. Node `put` carries the number of the last whole write, node
 * `edit` that of the last edit of this one node (a whole write sets both).
 */
export interface CanvasNumbers {
  put: number;
  edit: number;
}

const fillerBytes = 4096;
const digits = (number: number) => String(number).padStart(9, '0');
const node = (id: string, text: string) =>
  `{"id":"${id}","type":"text","text":"${text}","x":0,"y":0,"width":10,"height":10}`;

/** Texts of equal `bytes` and any numbers have equal lengths; `bytes` is met within some hundreds. */
export function canvasText(name: string, bytes: number, { put, edit }: CanvasNumbers): string {
  const nodes = [node('put', `${name} ${digits(put)}`), node('edit', digits(edit))];
  for (let left = bytes - 300, index = 0; left > 0; left -= fillerBytes, index += 1) {
    nodes.push(node(`filler-${index}`, `${digits(put)} `.repeat(Math.ceil(Math.min(left, fillerBytes) / 10))));
  }
  return `{"nodes":[${nodes.join(',')}],"edges":[]}`;
}

export const editText = digits;

/** The numbers a canvas claims to have; undefined when it is no whole JSON text of this form. */
export function readNumbers(bytes: Buffer): CanvasNumbers | undefined {
  try {
    const { nodes } = JSON.parse(bytes.toString()) as { nodes: { id: string; text: string }[] };
    const numberIn = (id: string) =>
      Number(
        nodes
          .find((found) => found.id === id)
          ?.text.split(' ')
          .at(-1),
      );
    const numbers = { put: numberIn('put'), edit: numberIn('edit') };
    return Number.isInteger(numbers.put) && Number.isInteger(numbers.edit) ? numbers : undefined;
  } catch {
    return undefined;
  }
}
