import { encodeCursor } from './list-cursor.js';
import type { Explanation, ListQuery, TextPage } from './trajectory-repository.js';

const start = Buffer.from('{"data":[');
const comma = Buffer.from(',');

/**
 * One page as JSON text, put together from the texts of its rows. A page that was kept brings its text along.
 * @source product contract, Trajectories ("answers `{data, total, page, pageSize}`")
 */
export function pageText(page: TextPage, query: ListQuery, explain?: Explanation): Buffer {
  if (page.text && !explain) return page.text;
  const { rows, total, next } = page;
  const { page: number, pageSize, walk } = query;
  const place = walk
    ? { pageSize, next_cursor: next ? encodeCursor({ ...query, after: next }) : null }
    : { page: number, pageSize };
  const end = Buffer.from(`],${JSON.stringify({ total, ...place, explain }).slice(1)}`);
  return Buffer.concat([start, ...rows.flatMap((row, i) => (i === 0 ? [row] : [comma, row])), end]);
}

/**
 * The page with its text made once and its rows as parts of it, for one who keeps it. A walk's page is left as it is:
 * its text depends on who asked.
 * @source product contract, Optimisations (`query_cache`)
 */
export function withText(page: TextPage, query: ListQuery): TextPage {
  if (query.walk) return page;
  const text = pageText(page, query);
  let from = start.length;
  const rows = page.rows.map(({ length }) => {
    const row = text.subarray(from, from + length);
    from += length + comma.length;
    return row;
  });
  return { ...page, rows, text };
}
