import { describe, expect, it, onTestFinished } from 'vitest';
import { createMetrics } from '../../src/metrics/index.js';

async function scrape(metrics: ReturnType<typeof createMetrics>): Promise<string[]> {
  const lines = (await metrics.text()).split('\n');
  return lines.filter((line) => /^canvas_/.test(line) && !/_bucket|canvas_build_info/.test(line));
}

function testMetrics() {
  const metrics = createMetrics('1.2.3');
  onTestFinished(() => metrics.close());
  return metrics;
}

describe('canvas metrics', () => {
  it('tell hits from misses, and count nothing for a cache that is off', async () => {
    const metrics = testMetrics();
    const read = { type: 'read', outcome: 'served', variant: 'optimized', bytes: 100 } as const;
    metrics.observeCanvases({ ...read, cache: 'miss' });
    metrics.observeCanvases({ ...read, cache: 'hit' });
    metrics.observeCanvases({ ...read, cache: 'hit', outcome: 'not_modified' });
    metrics.observeCanvases({ ...read, cache: 'off', variant: 'baseline' });
    expect(await scrape(metrics)).toEqual(
      expect.arrayContaining([
        'canvas_cache_requests_total{cache="canvas_files",outcome="hit"} 2',
        'canvas_cache_requests_total{cache="canvas_files",outcome="miss"} 1',
        'canvas_reads_total{outcome="served",variant="optimized"} 2',
        'canvas_reads_total{outcome="not_modified",variant="optimized"} 1',
        'canvas_reads_total{outcome="served",variant="baseline"} 1',
        'canvas_read_bytes_total 400',
      ]),
    );
  });

  it('tell what compressing canvases cost and saved', async () => {
    const metrics = testMetrics();
    const event = { type: 'variant', coding: 'br', plainBytes: 1000, codedBytes: 200, durationSeconds: 0.5 } as const;
    metrics.observeCanvases({ ...event, outcome: 'made' });
    metrics.observeCanvases({ ...event, outcome: 'too_large', codedBytes: 950 });
    metrics.observeCanvases({ ...event, coding: 'gzip', outcome: 'made' });
    expect(await scrape(metrics)).toEqual(
      expect.arrayContaining([
        'canvas_compressions_total{coding="br",outcome="made"} 1',
        'canvas_compressions_total{coding="br",outcome="too_large"} 1',
        'canvas_compression_seconds_sum{coding="br"} 1',
        'canvas_compression_bytes_total{coding="br",form="plain"} 2000',
        'canvas_compression_bytes_total{coding="br",form="compressed"} 1150',
        'canvas_compressions_total{coding="gzip",outcome="made"} 1',
      ]),
    );
  });

  it('set what clients asked for beside what went to disk', async () => {
    const metrics = testMetrics();
    const write = { type: 'write', operation: 'put', outcome: 'stored', variant: 'optimized' } as const;
    for (let i = 0; i < 10; i++) metrics.observeCanvases({ ...write, bytes: 50, durationSeconds: 0.1 });
    metrics.observeCanvases({ ...write, outcome: 'refused', bytes: 0, durationSeconds: 0.5 });
    metrics.observeCanvases({
      type: 'file_write',
      operation: 'replace',
      outcome: 'stored',
      variant: 'optimized',
      requests: 10,
      bytes: 50,
      durationSeconds: 0.25,
    });
    metrics.observeCanvases({ type: 'temporary_files_removed', count: 3 });
    expect(await scrape(metrics)).toEqual(
      expect.arrayContaining([
        'canvas_writes_total{operation="put",outcome="stored",variant="optimized"} 10',
        'canvas_writes_total{operation="put",outcome="refused",variant="optimized"} 1',
        'canvas_write_bytes_total 500',
        'canvas_write_seconds_count{operation="put",variant="optimized"} 11',
        'canvas_file_writes_total{operation="replace",outcome="stored",variant="optimized"} 1',
        'canvas_file_write_requests_total{variant="optimized"} 10',
        'canvas_file_write_bytes_total{variant="optimized"} 50',
        'canvas_file_write_seconds_sum{operation="replace",variant="optimized"} 0.25',
        'canvas_temporary_files_removed_total 3',
      ]),
    );
  });

  it('ask for the backlog at each scrape', async () => {
    const metrics = testMetrics();
    expect(await scrape(metrics)).toContain('canvas_writer_pending_writes 0');
    let writes = 1;
    metrics.watchWrites(() => ({ writes, bytes: writes * 10 }));
    expect(await scrape(metrics)).toContain('canvas_writer_pending_writes 1');
    writes = 7;
    expect(await scrape(metrics)).toEqual(
      expect.arrayContaining(['canvas_writer_pending_writes 7', 'canvas_writer_pending_bytes 70']),
    );
  });
});

describe('trajectory metrics', () => {
  it('time queries by operation and variant, whatever the part calls its ways', async () => {
    const metrics = testMetrics();
    const observe = metrics.observeTrajectories;
    observe({ type: 'query', operation: 'list', variant: 'native', durationSeconds: 0.25, rows: 20 });
    observe({ type: 'query', operation: 'list', variant: 'baseline', durationSeconds: 2, rows: 20 });
    observe({ type: 'query', operation: 'get', variant: 'native', durationSeconds: 0.5, rows: 1 });
    observe({ type: 'analysis_lookup', variant: 'by_ids', durationSeconds: 0.125, rows: 5 });
    observe({ type: 'analysis_lookup', variant: 'whole_table', durationSeconds: 4, rows: 6 });
    observe({ type: 'row_ids', found: 'hit' });
    observe({ type: 'row_ids', found: 'miss' });
    observe({ type: 'query_cache', found: 'hit' });
    expect(await scrape(metrics)).toEqual(
      expect.arrayContaining([
        'canvas_query_seconds_sum{operation="list",variant="optimized"} 0.25',
        'canvas_query_seconds_sum{operation="list",variant="baseline"} 2',
        'canvas_query_seconds_count{operation="get",variant="optimized"} 1',
        'canvas_query_seconds_sum{operation="analysis",variant="optimized"} 0.125',
        'canvas_query_seconds_sum{operation="analysis",variant="baseline"} 4',
        'canvas_query_rows_total{operation="list"} 40',
        'canvas_query_rows_total{operation="analysis"} 11',
        'canvas_cache_requests_total{cache="row_ids",outcome="hit"} 1',
        'canvas_cache_requests_total{cache="row_ids",outcome="miss"} 1',
        'canvas_cache_requests_total{cache="query",outcome="hit"} 1',
      ]),
    );
  });

  it('follow the upkeep of the tables', async () => {
    const metrics = testMetrics();
    metrics.observeTrajectories({ type: 'analysis_written', durationSeconds: 0.5 });
    metrics.observeTrajectories({ type: 'record_written', operation: 'tags', durationSeconds: 0.25 });
    metrics.observeTrajectories({ type: 'index_built', table: 'trajectories', column: 'reward', durationSeconds: 1 });
    metrics.observeTrajectories({ type: 'table_optimized', table: 'analysis', task: 'compact', durationSeconds: 2 });
    metrics.observeTrajectories({ type: 'care_failed', table: 'analysis' });
    metrics.observeTrajectories({ type: 'versions_removed', table: 'analysis', versions: 90, bytes: 5000 });
    metrics.observeTrajectories({ type: 'table_measured', table: 'analysis', versions: 3, fragments: 2, bytes: 700 });
    metrics.observeTrajectories({ type: 'table_recovered', table: 'analysis', lostVersions: 2, lostRows: undefined });
    metrics.observeTrajectories({ type: 'prewarm', state: 'running', done: 3, total: 12, durationSeconds: 0.5 });
    metrics.observeTrajectories({ type: 'analysis_imported', rows: 10, failed: 1, durationSeconds: 0.25 });
    metrics.observeTrajectories({ type: 'figures_computed', kind: 'questions', rows: 7, durationSeconds: 0.125 });
    const exported = { rows: 20, bytes: 4000, durationSeconds: 1 };
    metrics.observeTrajectories({ type: 'exported', format: 'csv', result: 'aborted', ...exported });
    expect(await scrape(metrics)).toEqual(
      expect.arrayContaining([
        'canvas_analysis_write_seconds_sum 0.5',
        'canvas_record_write_seconds_sum{operation="tags"} 0.25',
        'canvas_table_upkeep_seconds_sum{table="trajectories",task="index"} 1',
        'canvas_table_upkeep_seconds_sum{table="analysis",task="compact"} 2',
        'canvas_table_upkeep_failures_total{table="analysis"} 1',
        'canvas_table_versions_removed_total{table="analysis"} 90',
        'canvas_table_bytes_freed_total{table="analysis"} 5000',
        'canvas_table_versions{table="analysis"} 3',
        'canvas_table_fragments{table="analysis"} 2',
        'canvas_table_bytes{table="analysis"} 700',
        'canvas_table_recoveries_total{table="analysis"} 1',
        'canvas_table_lost_versions_total{table="analysis"} 2',
        'canvas_prewarm_progress_ratio 0.25',
        'canvas_prewarm_seconds 0.5',
        'canvas_analysis_import_seconds_sum 0.25',
        'canvas_analysis_import_lines_total{outcome="stored"} 10',
        'canvas_analysis_import_lines_total{outcome="refused"} 1',
        'canvas_figures_seconds_sum{kind="questions"} 0.125',
        'canvas_figures_rows_total{kind="questions"} 7',
        'canvas_export_seconds_sum{format="csv",result="aborted"} 1',
        'canvas_export_rows_total{format="csv"} 20',
        'canvas_export_bytes_total{format="csv"} 4000',
      ]),
    );
  });
});

describe('import metrics', () => {
  it('count what was accepted, committed and ended', async () => {
    const metrics = testMetrics();
    const observe = metrics.observeImports;
    observe({ type: 'import_accepted', bytes: 1000 });
    observe({ type: 'batch_committed', variant: 'batch', rows: 2000, durationSeconds: 0.25 });
    observe({ type: 'batch_committed', variant: 'batch', rows: 500, durationSeconds: 0.25 });
    observe({ type: 'batch_committed', variant: 'row', rows: 1, durationSeconds: 0.125 });
    const rows = { imported: 2501, failed: 3, skipped: 4 };
    observe({ type: 'import_finished', status: 'completed', ...rows, bytes: 990, durationSeconds: 2 });
    observe({ type: 'import_finished', status: 'failed', ...rows, bytes: 10, durationSeconds: 1 });
    expect(await scrape(metrics)).toEqual(
      expect.arrayContaining([
        'canvas_imports_accepted_total 1',
        'canvas_import_accepted_bytes_total 1000',
        'canvas_import_batch_seconds_count{variant="optimized"} 2',
        'canvas_import_batch_seconds_sum{variant="optimized"} 0.5',
        'canvas_import_batch_seconds_sum{variant="baseline"} 0.125',
        'canvas_import_committed_rows_total{variant="optimized"} 2500',
        'canvas_import_committed_rows_total{variant="baseline"} 1',
        'canvas_import_seconds_sum{status="completed"} 2',
        'canvas_import_seconds_sum{status="failed"} 1',
        'canvas_import_rows_total{outcome="imported"} 5002',
        'canvas_import_rows_total{outcome="failed"} 6',
        'canvas_import_rows_total{outcome="skipped"} 8',
        'canvas_import_read_bytes_total 1000',
      ]),
    );
  });

  it('ask at each scrape what waits and runs', async () => {
    const metrics = testMetrics();
    expect(await scrape(metrics)).toEqual(
      expect.arrayContaining(['canvas_imports_waiting 0', 'canvas_imports_running 0']),
    );
    let pending = 3;
    metrics.watchImports(() => ({ pending, processing: 1 }));
    pending = 2;
    expect(await scrape(metrics)).toEqual(
      expect.arrayContaining(['canvas_imports_waiting 2', 'canvas_imports_running 1']),
    );
  });
});

describe('search metrics', () => {
  it('tell searches by kind and way, and what became of vectors', async () => {
    const metrics = testMetrics();
    metrics.observeSearch({ type: 'searched', kind: 'text', way: 'scan', durationSeconds: 0.5, rows: 3 });
    metrics.observeSearch({ type: 'text_index_built', column: 'question', durationSeconds: 1 });
    metrics.observeSearch({ type: 'vector_index_built', questions: 9, durationSeconds: 2 });
    metrics.observeSearch({ type: 'vectors_stored', questions: 7, durationSeconds: 3 });
    metrics.observeSearch({ type: 'vectors_removed', questions: 2 });
    metrics.observeSearch({ type: 'vectors_failed', questions: 1 });
    metrics.observeSearch({ type: 'index_failed', index: 'text' });
    metrics.observeSearch({ type: 'upkeep_failed' });
    metrics.watchVectors(() => ({ questions: 5, ratio: 0.25 }));
    expect(await scrape(metrics)).toEqual(
      expect.arrayContaining([
        'canvas_search_seconds_sum{kind="text",way="scan"} 0.5',
        'canvas_search_upkeep_seconds_sum{task="text_index"} 1',
        'canvas_search_upkeep_seconds_sum{task="vector_index"} 2',
        'canvas_search_upkeep_seconds_sum{task="vectors"} 3',
        'canvas_search_vectors_total{outcome="stored"} 7',
        'canvas_search_vectors_total{outcome="removed"} 2',
        'canvas_search_vectors_total{outcome="failed"} 1',
        'canvas_search_index_failures_total{index="text"} 1',
        'canvas_search_upkeep_failures_total 1',
        'canvas_search_questions 5',
        'canvas_search_progress_ratio 0.25',
      ]),
    );
  });

  it('tell calls of the model by variant, and what the cache of vectors had', async () => {
    const metrics = testMetrics();
    const call = { type: 'called', provider: 'openai', outcome: 'ok', tokens: 50, durationSeconds: 0.5 } as const;
    metrics.observeEmbeddings({ ...call, variant: 'batched', texts: 10 });
    metrics.observeEmbeddings({ ...call, variant: 'single', texts: 1, outcome: 'failed' });
    metrics.observeEmbeddings({ type: 'looked_up', hits: 3, storeHits: 1, misses: 11 });
    metrics.observeEmbeddings({ type: 'texts_cut', texts: 2 });
    expect(await scrape(metrics)).toEqual(
      expect.arrayContaining([
        'canvas_embedding_call_seconds_count{provider="openai",variant="optimized",outcome="ok"} 1',
        'canvas_embedding_call_seconds_count{provider="openai",variant="baseline",outcome="failed"} 1',
        'canvas_embedding_batch_texts_sum{variant="optimized"} 10',
        'canvas_embedding_tokens_total{provider="openai"} 100',
        'canvas_embedding_texts_cut_total 2',
        'canvas_cache_requests_total{cache="embedding",outcome="hit"} 3',
        'canvas_cache_requests_total{cache="embedding",outcome="miss"} 11',
      ]),
    );
  });
});
