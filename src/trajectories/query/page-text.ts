import { encodeCursor } from './list-cursor.js';
import type { RowParts } from './row-text.js';
import type { Explanation, ListQuery, TextPage } from './trajectory-repository.js';

const start = Buffer.from('{"data":[');
const comma = Buffer.from(',');

/**
 * One page as JSON text, put together from the texts of its rows. A page that was kept brings its text along.
 * @source product contract, Trajectories ("answers `{data, total, page, pageSize}`")
 */
export function pageText(page: TextPage, query: ListQuery, explain?: Explanation): Buffer {
  if (page.text && !explain) return page.text;
  const { rows } = page;
  return Buffer.concat([
    start,
    ...rows.flatMap((row, i) => (i === 0 ? [row] : [comma, row])),
    ending(page, query, explain),
  ]);
}

function ending({ total, next }: Pick<TextPage, 'total' | 'next'>, query: ListQuery, explain?: Explanation): Buffer {
  const { page, pageSize, walk } = query;
  const place = walk
    ? { pageSize, next_cursor: next ? encodeCursor({ ...query, ...walk, after: next }) : null }
    : { page, pageSize };
  return Buffer.from(`],${JSON.stringify({ total, ...place, explain }).slice(1)}`);
}

/**
 * Lays the rows of a page out in one piece of memory, which is its whole text too: a buffer for each row would be most
 * of the work. A walk's page gets no text: it depends on who asked.
 * @source product contract, Trajectories ("answers `{data, total, page, pageSize}`")
 */
export function layOut(
  parts: readonly RowParts[],
  page: Pick<TextPage, 'total' | 'next'>,
  query: ListQuery,
): Omit<TextPage, 'total' | 'next'> {
  const end = query.walk ? Buffer.alloc(0) : ending(page, query);
  const lengths = parts.map(({ stored, added }) => stored.length + Buffer.byteLength(added));
  const commas = Math.max(0, parts.length - 1);
  const bytes = lengths.reduce((sum, length) => sum + length, start.length + commas + end.length);
  const text = Buffer.allocUnsafeSlow(bytes);
  let at = start.copy(text);
  const rows = parts.map(({ stored, added }, i) => {
    if (i > 0) at += comma.copy(text, at);
    const from = at;
    text.set(stored, at);
    text.write(added, at + stored.length);
    at += lengths[i] ?? 0;
    return text.subarray(from, at);
  });
  end.copy(text, at);
  return query.walk ? { rows } : { rows, text };
}

/**
 * The page with its text made once and its rows as parts of it, for one who keeps it. A walk's page is left as it is:
 * its text depends on who asked.
 * @source product contract, Optimisations (`query_cache`)
 */
export function withText(page: TextPage, query: ListQuery): TextPage {
  if (query.walk || page.text) return page;
  const text = pageText(page, query);
  let from = start.length;
  const rows = page.rows.map(({ length }) => {
    const row = text.subarray(from, from + length);
    from += length + comma.length;
    return row;
  });
  return { ...page, rows, text };
}
