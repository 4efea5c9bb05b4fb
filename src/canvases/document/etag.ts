import { hash } from 'node:crypto';

/**
 * The strong ETag of some bytes, quotes included: the same bytes have the same one, for ever and in every process.
 * @source RFC 9110 section 8.8.3
 */
export const etagOf = (bytes: Buffer): string => `"${hash('sha256', bytes, 'base64url').slice(0, 22)}"`;
