/**
 * Stores a canvas over the version that its client had seen, or, when others came first and the client wishes so,
 * merges its changes with theirs by the ids of nodes and edges. The merge happens at the turn of the write, with what
 * is current then, so nothing that comes in between is lost.
 */
import { Problem } from '../../../errors.js';
import type { Canvases, PutAnswer } from '../../canvases.js';
import { etagOf } from '../../document/etag.js';
import { preconditionFailed } from '../../errors.js';
import type { Preconditions } from '../../writing/preconditions.js';
import { checkedBytes } from '../checked-edit.js';
import { mergeCanvases, mergeConflict } from './canvas-merge.js';

/**
 * One request to store a canvas. `merges`: the client wants a merge when its `If-Match` does not hold any more.
 * @source product contract, Canvases (`PUT`)
 */
export interface CanvasPut {
  path: string;
  body: Buffer;
  conditions: Preconditions;
  isAsync: boolean;
  merges: boolean;
}

/** How many of the versions in If-Match are looked up: each look may read a file. */
const maxBases = 8;

/** The first version in If-Match whose bytes are known: what the client had before it changed it. */
async function baseOf(canvases: Pick<Canvases, 'bytesOf'>, { path, conditions }: CanvasPut) {
  const { ifMatch } = conditions;
  if (!Array.isArray(ifMatch)) return undefined;
  const strong = ifMatch.filter((etag: string) => !etag.startsWith('W/'));
  for (const etag of strong.slice(0, maxBases)) {
    const bytes = await canvases.bytesOf(path, etag);
    if (bytes) return bytes;
  }
  return undefined;
}

const isCode = (error: unknown, code: string): error is Problem => error instanceof Problem && error.code === code;

function merged(base: Buffer, mine: Buffer, theirs: Buffer): Buffer {
  const merge = mergeCanvases(base, mine, theirs);
  if (merge.conflicts) throw mergeConflict(merge.conflicts, etagOf(theirs));
  return checkedBytes(merge);
}

/**
 * Stores a canvas, or merges it.
 * @returns `isMerged` when what is stored is not the body but a merge; `etag` and `bytes` are those of what is stored
 * @throws Problem PRECONDITION_FAILED, whose `base` says whether a merge would be possible; CANVAS_MERGE_CONFLICT;
 *   CANVAS_INVALID when a merge would be no canvas; what {@link Canvases.put} and {@link Canvases.edit} throw
 * @source RFC 7240 section 4.4; product contract, Canvases (`PUT`), Promises 3
 */
export async function putOrMerge(
  canvases: Pick<Canvases, 'put' | 'edit' | 'bytesOf'>,
  request: CanvasPut,
): Promise<PutAnswer & { isMerged: boolean }> {
  const { path, body, conditions, isAsync, merges } = request;
  try {
    return { ...(await canvases.put(path, body, conditions, isAsync)), isMerged: false };
  } catch (error) {
    const isStale = isCode(error, 'PRECONDITION_FAILED') && typeof error.extra?.etag === 'string';
    if (!isStale || !Array.isArray(conditions.ifMatch)) throw error;
    const base = await baseOf(canvases, request).catch((failure: unknown) => {
      // Whether it could be merged is not known; that it is stale is.
      if (merges || !isCode(failure, 'VAULT_UNAVAILABLE')) throw failure;
      return undefined;
    });
    if (!merges || !base) throw preconditionFailed(String(error.extra?.etag), base ? 'known' : 'unknown');
    return await mergeInto(canvases, request, base);
  }
}

async function mergeInto(canvases: Pick<Canvases, 'edit'>, { path, body, conditions }: CanvasPut, base: Buffer) {
  const still: Preconditions = { ifMatch: '*', ifNoneMatch: conditions.ifNoneMatch };
  try {
    const heldBytes = base.length + body.length;
    const stored = await canvases.edit(path, still, (theirs) => merged(base, body, theirs), heldBytes);
    return { ...stored, isMerged: true };
  } catch (error) {
    if (isCode(error, 'CANVAS_NOT_FOUND')) throw preconditionFailed(undefined);
    throw error;
  }
}
