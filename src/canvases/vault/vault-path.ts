import { pathInvalid } from '../errors.js';

const maxSegmentBytes = 255;
const maxPathBytes = 4096;
const suffix = '.canvas';

/** Names that Windows gives to devices, whatever follows the first dot; synced vaults live there too. */
const deviceName = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
const controlCharacter = /[\u0000-\u001f\u007f-\u009f]/;
const loneSurrogate = /\p{Surrogate}/u;

/**
 * Where a canvas lies in the vault: `text` as the client wrote it, `folders` from the vault downwards, and the file's
 * own `name`. Only {@link parseVaultPath} makes one, so whoever holds one need not check it again.
 * @source product contract, Canvases
 */
export interface VaultPath {
  readonly text: string;
  readonly folders: readonly string[];
  readonly name: string;
}

function segmentFault(segment: string): string | undefined {
  if (segment === '') return 'expected a relative path without empty parts';
  if (segment.startsWith('.')) return 'expected no part to begin with a dot';
  if (segment.endsWith('.') || segment.endsWith(' ')) return 'expected no part to end in a dot or a space';
  if (segment.includes(':')) return 'expected no colon';
  if (deviceName.test((segment.split('.', 1)[0] ?? '').trimEnd())) return 'expected no name of a Windows device';
  if (Buffer.byteLength(segment) > maxSegmentBytes) return `expected parts of at most ${maxSegmentBytes} bytes`;
  return undefined;
}

function faultOf(text: string, folders: readonly string[], name: string): string | undefined {
  if (text.length > maxPathBytes || Buffer.byteLength(text) > maxPathBytes) {
    return `expected at most ${maxPathBytes} bytes`;
  }
  if (controlCharacter.test(text)) return 'expected no control characters';
  if (loneSurrogate.test(text)) return 'expected well-formed Unicode';
  if (text.includes('\\')) return 'expected "/" between the parts, and no backslash';
  for (const segment of [...folders, name]) {
    const fault = segmentFault(segment);
    if (fault !== undefined) return fault;
  }
  if (!name.endsWith(suffix)) return `expected a name that ends in ${suffix}`;
  if (folders.some((folder) => folder.endsWith(suffix))) return `expected no folder that ends in ${suffix}`;
  return undefined;
}

/**
 * Checks the path of a canvas, already percent-decoded once.
 * @returns undefined when it breaks a rule
 * @source product contract, Canvases; Microsoft documentation, "Naming Files, Paths, and Namespaces"
 */
export function findVaultPath(text: string): VaultPath | undefined {
  const folders = text.split('/');
  const name = folders.pop() ?? '';
  return faultOf(text, folders, name) === undefined ? { text, folders, name } : undefined;
}

/**
 * Checks the path of a canvas, already percent-decoded once.
 * @throws Problem CANVAS_PATH_INVALID, which says what was expected
 * @source product contract, Canvases; Microsoft documentation, "Naming Files, Paths, and Namespaces"
 */
export function parseVaultPath(text: string): VaultPath {
  const folders = text.split('/');
  const name = folders.pop() ?? '';
  const fault = faultOf(text, folders, name);
  if (fault !== undefined) throw pathInvalid(fault);
  return { text, folders, name };
}

/**
 * Whether a folder may lie on the way to a canvas.
 * @source product contract, Canvases ("dot folders")
 */
export const isVaultFolderName = (name: string): boolean => findVaultPath(`${name}/x${suffix}`) !== undefined;

/**
 * The form in which two names are the same on file systems that ignore case or Unicode form.
 * @source Unicode Standard section 3.13 (canonical caseless matching)
 */
export const foldName = (name: string): string => name.normalize('NFD').toLowerCase().toUpperCase().normalize('NFC');
