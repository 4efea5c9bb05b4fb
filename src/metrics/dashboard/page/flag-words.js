// What each optimisation does, in a line.

/** @type {Readonly<Record<string, string>>} */
const words = {
  canvas_cache: 'Canvases are served from memory; the file is checked, not read',
  fast_json: 'Canvases go in and out as bytes, checked once',
  batch_writer: 'Writes to one canvas within a moment become one file write',
  batch_import: 'Imported rows are stored by the thousand',
  bulk_duplicate_check: 'One look-up a batch finds the ids already stored',
  native_query: 'Filter, sort and count happen inside the database',
  analysis_by_ids: 'Only the analysis of the shown rows is read',
  query_cache: 'Lists are answered again until the data changes',
  scalar_indexes: 'Filters use indexes in place of reading every row',
  index_prewarm: 'Indexes are loaded at the start, before anyone asks',
  embedding_cache: 'A text is turned into a vector once',
  batch_embedding: 'Texts go to the embedding model in few calls',
  l2_cache: 'Dear results also stay in a file, across restarts',
  graph_cache: 'Graph searches are answered again until the data changes',
  temporal_partitions: 'Only the days that a query needs are opened',
  scheduler: 'As many tasks at once as the machine takes',
};

/** @param {string} flag @source product contract, Optimisations */
export const wordsOf = (flag) => words[flag] ?? '';
