import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';

const maxBytes = 32 * 1024;
const attempts = 3;

/**
 * What a look at the file found. `changing`: another program writes it at this moment. `refused`: it cannot be a
 * configuration, whatever it holds.
 * @source product contract, Optimisations ("an invalid edit keeps the last good one")
 */
export type FileContent =
  | { state: 'text'; text: string }
  | { state: 'missing' }
  | { state: 'changing' }
  | { state: 'refused'; message: string };

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? 'unknown';
const isMissing = (error: unknown) => ['ENOENT', 'ENOTDIR'].includes(codeOf(error));

const signatureOfStat = (stat: { ino: bigint; size: bigint; mtimeNs: bigint; ctimeNs: bigint }) =>
  `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;

/**
 * A text that differs whenever the file behind `path` (links followed) was changed, replaced, removed or locked.
 * Synchronous on purpose: 2 microseconds, where the asynchronous call costs 10 of processor time.
 * @source Node.js documentation, fs "fs.statSync(path[, options])"
 */
export function fileSignature(path: string): string {
  try {
    return signatureOfStat(statSync(path, { bigint: true }));
  } catch (error) {
    return codeOf(error);
  }
}

function readBytes(descriptor: number): Buffer {
  const buffer = Buffer.allocUnsafe(maxBytes + 1);
  let length = 0;
  while (length < buffer.length) {
    const read = readSync(descriptor, buffer, length, buffer.length - length, null);
    if (read === 0) break;
    length += read;
  }
  return buffer.subarray(0, length);
}

function readOnce(path: string): FileContent {
  // O_NONBLOCK: opening a pipe must not wait for its writer.
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const before = fstatSync(descriptor, { bigint: true });
    if (!before.isFile()) return { state: 'refused', message: 'expected a regular file' };
    if (before.size > maxBytes) return { state: 'refused', message: `expected at most ${maxBytes} bytes` };
    const bytes = readBytes(descriptor);
    const after = fstatSync(descriptor, { bigint: true });
    if (signatureOfStat(before) !== signatureOfStat(after)) return { state: 'changing' };
    return { state: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Reads the file as it stands at one moment: a copy torn by a writer is read again, a few times. Never throws.
 * @source Node.js documentation, fs "fs.openSync(path[, flags[, mode]])"
 */
export function readConfigFile(path: string): FileContent {
  try {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const content = readOnce(path);
      if (content.state !== 'changing') return content;
    }
    return { state: 'changing' };
  } catch (error) {
    if (isMissing(error)) return { state: 'missing' };
    if (error instanceof TypeError) return { state: 'refused', message: 'expected UTF-8 text' };
    return { state: 'refused', message: `expected a readable file, got ${codeOf(error)}` };
  }
}
