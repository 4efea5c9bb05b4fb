/** Another program that edits a canvas, in the ways that real ones do. Its bytes are whole when it is done. */
import { execFileSync } from 'node:child_process';
import { open, rename, unlink, writeFile } from 'node:fs/promises';
import { pause } from './scale.js';

export type EditingWay = 'in place' | 'by rename' | 'by delete and create' | 'in place, time restored';

export const editingWays: readonly EditingWay[] = [
  'in place',
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

const edits: Record<EditingWay, (file: string, text: string) => Promise<void>> = {
  'in place': inTwoHalves,
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

export const editOutside = (file: string, text: string, way: EditingWay): Promise<void> => edits[way](file, text);
