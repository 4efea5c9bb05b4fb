import { Problem } from '../../errors.js';

const errnoOf = (error: unknown) => (error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined);

/**
 * Says whether an error means that the disk, or the account's share of it, is full.
 * @source write(2), ERRORS
 */
export const isStorageFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(errnoOf(error) ?? '');

/**
 * The answer for a change that could not be made durable.
 * @source write(2), fsync(2), ERRORS; RFC 4918 section 11.5 (507); product contract, Promises 1
 */
export function appendFailure(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (isStorageFull(error)) {
    return new Problem({
      code: 'STORAGE_FULL',
      kind: 'storage_full',
      message: 'There is no room left to store the change; it was not accepted',
      cause: error,
    });
  }
  return new Problem({
    code: 'JOURNAL_NOT_WRITABLE',
    kind: 'unavailable',
    message: 'The change could not be made durable and was not accepted; it may be sent again',
    headers: { 'retry-after': '1' },
    cause: error,
  });
}

/**
 * The answer for a change that comes after the end.
 * @source product contract, Promises 1
 */
export const journalClosed = (): Problem =>
  new Problem({
    code: 'JOURNAL_CLOSED',
    kind: 'unavailable',
    message: 'The service is stopping and accepts no more changes',
    headers: { 'retry-after': '5' },
  });
