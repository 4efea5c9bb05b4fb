import type { Optimization } from '../../../optimization.js';
import type { Embedder, EmbedOptions } from '../embedder.js';
import { vectorCheck } from './vector-check.js';

/** Texts of one answer that are embedded alone: each is a call; one only where calls go to another server. */
const mostComparedHere = 8;
const mostComparedElsewhere = 1;

/**
 * What is compared with what: `batched` answers; `alone` is the model itself, asked for one text at a time, without being
 * counted as a call of the service's.
 * @source product contract, Optimisations (`batch_embedding`, `verification.sample_rate`)
 */
export interface BatchComparisonOptions {
  batched: Embedder;
  alone: Embedder;
  flag: Optimization<unknown>;
  /** Whether the model is another server's. */
  isExternal: boolean;
  /** A vector was wrong: whoever keeps vectors of batches drops them. */
  onWrong(): void;
}

/**
 * The batched embedder, some of whose vectors are asked for again afterwards, text by text. Which texts of a batch moves on
 * from one comparison to the next, so that each place in a batch has its turn.
 * @source product contract, Optimisations (`batch_embedding`: "one call a text")
 */
export function compareBatches(options: BatchComparisonOptions): Embedder {
  const { batched, alone, flag, isExternal } = options;
  const check = vectorCheck(batched.model, options.onWrong);
  const most = isExternal ? mostComparedElsewhere : mostComparedHere;
  let turn = 0;

  function compareSome(texts: readonly string[], vectors: readonly Float32Array[]): void {
    const trial = texts.length > 0 ? flag.sample?.(isExternal) : undefined;
    if (!trial) return;
    const count = Math.min(most, texts.length);
    const places = Array.from(
      { length: count },
      (_, i) => (turn + Math.floor((i * texts.length) / count)) % texts.length,
    );
    turn += 1;
    trial.compare({
      check,
      versionBefore: batched.model,
      optimised: { answer: places.map((place) => vectors[place]!), seconds: 0 },
      async original() {
        const wanted: Float32Array[] = [];
        for (const place of places) wanted.push(...(await alone.embed([texts[place]!])));
        return wanted;
      },
    });
  }

  return {
    ...batched,
    async embed(texts: readonly string[], given?: EmbedOptions) {
      const vectors = await batched.embed(texts, given);
      compareSome(texts, vectors);
      return vectors;
    },
  };
}
