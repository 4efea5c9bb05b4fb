import { type EtagList, matchesWeakly } from '../writing/preconditions.js';

/**
 * What the client has already, by its conditional headers.
 * @source RFC 9110 sections 13.1.2 and 13.1.3
 */
export interface KnownVersion {
  ifNoneMatch?: EtagList | undefined;
  /** Ms since the epoch; looked at only without `ifNoneMatch`. */
  ifModifiedSinceMs?: number | undefined;
}

/**
 * Whether the client's copy is current, so that it needs no bytes.
 * @source RFC 9110 section 13.2.2
 */
export function isCurrent(known: KnownVersion, etag: string, modifiedMs: number): boolean {
  if (known.ifNoneMatch !== undefined) return matchesWeakly(known.ifNoneMatch, etag);
  if (known.ifModifiedSinceMs === undefined) return false;
  return Math.floor(modifiedMs / 1000) <= Math.floor(known.ifModifiedSinceMs / 1000);
}
