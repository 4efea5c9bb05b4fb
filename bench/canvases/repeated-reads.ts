import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { BenchContext } from '../bench.js';
import { makeCanvas } from '../makers/canvas-maker.js';
import { formatNumber } from '../report/numbers.js';
import type { Section } from '../report/section.js';
import { createClient, expectStatus } from '../support/client.js';
import { scrapeMetrics } from '../support/metrics-text.js';
import type { Service } from '../support/service.js';

const canvasCount = 100;

/**
 * Reads of 100 canvases that were never read before: the share that the cache answered.
 * @source product contract, "The seed's targets, and ours" (canvas hit rate)
 */
export async function benchRepeatedReads(context: BenchContext, service: Service): Promise<Section> {
  context.note('repeated reads of 100 canvases');
  const readsOfEach = context.quick ? 25 : 40;
  const reads = canvasCount * readsOfEach;
  const canvases = Array.from({ length: canvasCount }, (_, index) => makeCanvas(20_000, index));
  for (const [index, canvas] of canvases.entries()) {
    await writeFile(path.join(service.vaultDir, `repeated-${index}.canvas`), canvas);
  }
  const client = createClient(service.origin, 1);
  const counted = async (labels: Record<string, string>) => {
    const metrics = await scrapeMetrics(client);
    return metrics.value('canvas_cache_requests_total', { cache: 'canvas_files', ...labels }) ?? 0;
  };
  const before = { hits: await counted({ outcome: 'hit' }), reads: await counted({}) };
  let hits = 0;
  for (let read = 0; read < readsOfEach; read++) {
    for (const [index, canvas] of canvases.entries()) {
      const address = `/canvas/repeated-${index}.canvas`;
      const answer = expectStatus(await client.request('GET', address), [200], `GET ${address}`);
      if (!answer.body.equals(canvas)) throw new Error(`GET ${address}: the answer is not the file byte for byte`);
      if (/;\s*hit\b/.test(String(answer.headers['cache-status']))) hits += 1;
    }
  }
  const countedHits = (await counted({ outcome: 'hit' })) - before.hits;
  const countedReads = (await counted({})) - before.reads;
  if (countedHits !== hits || countedReads !== reads) {
    throw new Error(`cache: the answers tell ${hits} hits, the metrics ${countedHits} of ${countedReads} reads`);
  }
  client.close();
  return {
    title: 'Canvases: cache',
    how:
      `${canvasCount} canvases of 20 KB, each read ${readsOfEach} times in turn, the first time from the file; a hit is ` +
      'what `/metrics` counts as one (`canvas_cache_requests_total`), checked against what each answer says of itself ' +
      '(`Cache-Status`).',
    figures: [
      {
        measure: 'hit ratio',
        unit: '',
        rounds: [countedHits / countedReads],
        perRound: `${formatNumber(reads)} reads`,
        asked: { relation: 'at least', value: 0.95 },
      },
    ],
    tables: [],
  };
}
