import type { IncomingHttpHeaders } from 'node:http';
import { versionTag } from '../reading/coding/content-coding.js';
import type { KnownVersion } from '../reading/known-version.js';
import { type EtagList, type Preconditions, parseEtagList } from '../writing/preconditions.js';

const imfFixdate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** A date header in the one form that is sent today; others are ignored, as they must be when invalid. */
function parseDate(header: string | undefined): number | undefined {
  if (header === undefined || !imfFixdate.test(header)) return undefined;
  const timeMs = Date.parse(header);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

/**
 * What the client has, by If-None-Match and If-Modified-Since.
 * @source RFC 9110 section 13.1
 */
export function knownVersionOf(headers: IncomingHttpHeaders): KnownVersion {
  return {
    ifNoneMatch: parseEtagList(headers['if-none-match']),
    ifModifiedSinceMs: parseDate(headers['if-modified-since']),
  };
}

/** The canvases that the tags are of: a page that was sent a compressed canvas knows no other tag than that form's. */
function versionsIn(header: string | undefined): EtagList | undefined {
  const list = parseEtagList(header);
  return list === undefined || list === '*' ? list : list.map(versionTag);
}

/**
 * What a write demands, by If-Match, If-None-Match and If-Unmodified-Since. The tag of a compressed form stands for the
 * canvas.
 * @source RFC 9110 section 13.1
 */
export function preconditionsOf(headers: IncomingHttpHeaders): Preconditions {
  return {
    ifMatch: versionsIn(headers['if-match']),
    ifNoneMatch: versionsIn(headers['if-none-match']),
    ifUnmodifiedSinceMs: parseDate(headers['if-unmodified-since']),
  };
}

const prefers = (headers: IncomingHttpHeaders, wanted: string): boolean =>
  [headers.prefer ?? []]
    .flat()
    .join(',')
    .split(',')
    .some((preference) => (preference.split(';', 1)[0] ?? '').replace(/[ \t"]/g, '').toLowerCase() === wanted);

/**
 * Whether the client takes 202 for an answer. It waits until the write is durable all the same.
 * @source RFC 7240 section 4.1
 */
export const prefersAsync = (headers: IncomingHttpHeaders): boolean => prefers(headers, 'respond-async');

/**
 * Whether the client wants its changes merged when others came first.
 * @source RFC 7240 section 4.4; product contract, Canvases
 */
export const prefersMerge = (headers: IncomingHttpHeaders): boolean => prefers(headers, 'handling=merge');

/**
 * The address of a canvas.
 * @source RFC 3986 section 3.3
 */
export const canvasLocation = (path: string): string => `/canvas/${path.split('/').map(encodeURIComponent).join('/')}`;

/**
 * The address of a node or edge.
 * @source RFC 3986 section 3.3
 */
export const elementLocation = (path: string, list: 'nodes' | 'edges', id: string): string =>
  `${canvasLocation(path)}/${list}/${encodeURIComponent(id)}`;
