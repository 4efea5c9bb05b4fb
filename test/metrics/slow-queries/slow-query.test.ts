import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { Logger } from '../../../src/logger.js';
import { createMetrics } from '../../../src/metrics/index.js';
import { temporaryFolder } from '../../support/folder.js';

const logger = { warn() {}, info() {} } as unknown as Logger;

it('lists, records, searches of every kind and queries of events all feed the log; their other events do not', async () => {
  const dataDir = await temporaryFolder();
  const metrics = createMetrics('1.2.3');
  metrics.watchDatabase({ dataDir, lanceUri: dataDir, slowQueryMs: 100, logger });
  const slow = { durationSeconds: 0.2, asked: () => ({ shape: {} }) };
  const variant = { variant: 'native' } as const;
  metrics.observeTrajectories({ type: 'query', operation: 'list', ...variant, rows: 1, ...slow });
  metrics.observeTrajectories({ type: 'query', operation: 'get', ...variant, rows: 2, ...slow });
  metrics.observeTrajectories({
    type: 'query',
    operation: 'list',
    ...variant,
    rows: 0,
    ...slow,
    durationSeconds: 0.01,
  });
  metrics.observeTrajectories({ type: 'analysis_written', durationSeconds: 9 });
  metrics.observeSearch({ type: 'searched', kind: 'text', way: 'scan', rows: 3, ...slow });
  metrics.observeSearch({ type: 'searched', kind: 'similar', way: 'index', rows: 4, ...slow });
  metrics.observeSearch({ type: 'vector_index_built', questions: 1, durationSeconds: 9 });
  metrics.observeCanvasSearch({ type: 'searched', results: 5, ...slow });
  metrics.observeCanvasSearch({ type: 'index_built', nodes: 1, durationSeconds: 9 });
  metrics.observeGraph({ type: 'answered', cache: 'miss', facts: 6, ...slow });
  metrics.observeGraph({ type: 'asked', operation: 'search', outcome: 'ok', durationSeconds: 9 });
  const events = { type: 'events_queried', variant: 'optimized', partitions: 1, scanned: 1 } as const;
  metrics.observeLearningEvents({ ...events, rows: 7, ...slow });
  metrics.observeLearningEvents({ type: 'events_appended', events: 1, duplicates: 0, bytes: 1, durationSeconds: 9 });
  await metrics.close();
  const lines = (await readFile(path.join(dataDir, 'logs', 'slow-queries.jsonl'), 'utf8')).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line)).map(({ operation, rows }) => [operation, rows])).toEqual([
    ['list', 1],
    ['get', 2],
    ['text_search', 3],
    ['similar_search', 4],
    ['canvas_search', 5],
    ['graph_search', 6],
    ['events', 7],
  ]);
});
