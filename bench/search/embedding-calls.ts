import { openEmbeddings } from '../../src/memory/index.js';
import type { BenchContext } from '../bench.js';
import { prose } from '../makers/prose.js';
import { createRandom } from '../makers/random.js';
import { formatNumber } from '../report/numbers.js';
import type { Section } from '../report/section.js';
import { interleave } from '../support/interleave.js';
import { median } from '../support/statistics.js';
import { startEmbeddingServer } from './embedding-server.js';

const dimensions = 64;
const callersAtOnce = 256;

/**
 * How many calls become of many texts, half of them repeats, with batches and cache and without.
 * @source product contract, Optimisations (`embedding_cache`, `batch_embedding`); story-17.4 ADR-0007
 */
export async function benchEmbeddingCalls(context: BenchContext): Promise<Section> {
  const count = context.quick ? 400 : 10_000;
  context.note('embeddings: many texts, half of them repeats');
  const random = createRandom(11);
  const distinct = Array.from({ length: count / 2 }, (_, i) => `${prose(random, 24)}（${i}）`);
  const texts = [...distinct, ...distinct].sort(() => random.next() - 0.5);
  const server = await startEmbeddingServer(dimensions);

  async function run(enabled: boolean) {
    const flag = <Settings>(settings: Settings) => ({ enabled, settings, failed() {} });
    const embeddings = openEmbeddings({
      provider: {
        kind: 'openai',
        baseUrl: server.baseUrl,
        apiKey: undefined,
        model: 'bench',
        dimensions,
        asksForDimensions: false,
      },
      batchEmbedding: flag({ max_texts: 96, max_tokens: 100_000, window_ms: 5 }),
      embeddingCache: flag({ max_entries: 5000 }),
      onEvent() {},
      onUpstreamEvent() {},
    });
    const startedAt = performance.now();
    for (let i = 0; i < texts.length; i += callersAtOnce) {
      const answers = await Promise.all(texts.slice(i, i + callersAtOnce).map((text) => embeddings.embed([text])));
      if (answers.some(([vector]) => vector?.length !== dimensions)) throw new Error('expected a vector for each text');
    }
    embeddings.close();
    return { ...server.counted(), seconds: (performance.now() - startedAt) / 1000 };
  }

  const rounds = await interleave(context.quick ? 1 : 3, { optimized: () => run(true), baseline: () => run(false) });
  server.close();
  const perRound = `${formatNumber(count)} texts`;
  return {
    title: 'Embeddings: calls',
    how:
      `${formatNumber(count)} texts, half of them repeats, in a random order from ${callersAtOnce} callers at a time with one text ` +
      'each; a server on this machine that answers at once and counts. `embedding_cache` and `batch_embedding` on ' +
      'against both off. The number of calls hardly depends on the machine.',
    figures: [
      {
        measure: 'calls: baseline / optimized',
        unit: 'x',
        holds: 'high',
        rounds: rounds.map(({ baseline, optimized }) => baseline.calls / optimized.calls),
        perRound,
        asked: { relation: 'at least', value: 20 },
      },
      {
        measure: 'time: baseline / optimized',
        unit: 'x',
        rounds: rounds.map(({ baseline, optimized }) => baseline.seconds / optimized.seconds),
        perRound,
      },
    ],
    tables: [
      {
        heading: ['medians', 'calls', 'texts sent', 'seconds'],
        rows: (['optimized', 'baseline'] as const).map((name) => [
          name,
          ...(['calls', 'texts', 'seconds'] as const).map((field) =>
            formatNumber(median(rounds.map((round) => round[name][field]))),
          ),
        ]),
      },
    ],
  };
}
