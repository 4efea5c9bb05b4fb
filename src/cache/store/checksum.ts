import { crc32 } from 'node:zlib';

/**
 * Stands beside a value in the cache file, and is compared with what comes back: other bytes, the value of another key, or
 * another end of its life give another checksum (but for one in four thousand million).
 * @param expiresAt epoch milliseconds, null for never
 * @returns 32 bits, unsigned
 * @source product contract, Promises 4 ("cache file damaged"); RFC 1952 section 8 (CRC-32)
 */
export function checksumOf(
  category: string,
  key: string,
  { value, expiresAt }: { value: Uint8Array; expiresAt: number | null },
): number {
  return crc32(value, crc32(`${category}\0${key}\0${expiresAt}`));
}
