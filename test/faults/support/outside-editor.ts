/** Another program that edits a canvas, in the ways that real ones do. Its bytes are whole when it is done. */
import { execFileSync } from 'node:child_process';
import { open, rename, unlink, writeFile } from 'node:fs/promises';
import { pause } from './scale.js';

export type EditingWay =
  | 'in place'
  | 'in place, over the old bytes'
  | 'by rename'
  | 'by delete and create'
  | 'in place, time restored';

export const editingWays: readonly EditingWay[] = [
  'in place',
  'in place, over the old bytes',
  'by rename',
  'by delete and create',
  'in place, time restored',
];

async function inTwoHalves(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    const middle = text.length >>> 1;
    await handle.write(text.slice(0, middle));
    await pause(20);
    await handle.write(text.slice(middle));
  } finally {
    await handle.close();
  }
}

/** Cut off only at the end: between the halves, an old text of the same length is JSON together with the new head. */
async function overTheOldBytes(file: string, text: string): Promise<number> {
  const handle = await open(file, 'r+');
  try {
    const bytes = Buffer.from(text);
    const middle = bytes.length >>> 1;
    const startedMs = performance.now();
    await handle.write(bytes, 0, middle, 0);
    await pause(20);
    await handle.write(bytes, middle, bytes.length - middle, middle);
    await handle.truncate(bytes.length);
    return performance.now() - startedMs;
  } finally {
    await handle.close();
  }
}

/** The last modification is set back to the nanosecond, as programs that copy files do. */
async function withTimeRestored(file: string, text: string): Promise<void> {
  const reference = `${file}.time`;
  await writeFile(reference, '');
  try {
    execFileSync('touch', ['-r', file, reference]);
    const handle = await open(file, 'r+');
    try {
      await handle.write(text, 0);
      await handle.truncate(Buffer.byteLength(text));
    } finally {
      await handle.close();
    }
    execFileSync('touch', ['-r', reference, file]);
  } finally {
    await unlink(reference);
  }
}

const edits: Record<EditingWay, (file: string, text: string) => Promise<unknown>> = {
  'in place': inTwoHalves,
  'in place, over the old bytes': overTheOldBytes,
  'by rename': async (file, text) => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  },
  'by delete and create': async (file, text) => {
    await unlink(file);
    await pause(2);
    await writeFile(file, text);
  },
  'in place, time restored': withTimeRestored,
};

/** @returns ms between the pieces, where half an edit could pass for a whole one */
export async function editOutside(file: string, text: string, way: EditingWay): Promise<number> {
  const rested = await edits[way](file, text);
  return typeof rested === 'number' ? rested : 0;
}
