import { cursorInvalid } from '../errors.js';
import { findVaultPath } from '../vault/vault-path.js';

const version = '1';

/** Where a list goes on, in a form that clients do not take apart. @source product contract, Settled details */
export const encodeCursor = (lastPath: string): string => Buffer.from(version + lastPath).toString('base64url');

/**
 * Reads a cursor; an empty one begins the list.
 * @returns the path after which the list goes on
 * @throws Problem CURSOR_INVALID
 * @source product contract, Settled details (`GET /canvas`)
 */
export function decodeCursor(cursor: string): string {
  if (cursor === '') return '';
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  const lastPath = text.slice(version.length);
  const isOurs = text.startsWith(version) && encodeCursor(lastPath) === cursor && findVaultPath(lastPath);
  if (!isOurs) throw cursorInvalid();
  return lastPath;
}
