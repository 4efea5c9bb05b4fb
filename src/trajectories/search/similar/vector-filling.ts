/**
 * One pass that brings the question vectors in step with the trajectories: questions that have no vector are embedded
 * and stored, a few hundred at a time; vectors of questions that no trajectory has any more are removed. It may be
 * broken off anywhere: what it has stored stays, and the next pass goes on from there.
 */
import type { RecordBatch } from 'apache-arrow';
import { listLiteral, retryOnConflict, scanBatches, type Table } from '../../../lance/index.js';
import type { InBackground } from '../../../scheduler/index.js';
import type { PageLimit } from '../../query/rows/page-limit.js';
import { textColumn } from '../../questions/question-figures.js';
import type { SearchEvent } from '../search-event.js';
import type { QuestionEmbedder } from './question-embedder.js';
import { addQuestionVectors, type QuestionVector, questionHash } from './question-vectors.js';
import { hashText, type TextHashes } from './text-hashes.js';

/** The tables, the embedder, and whom to tell. @source product contract, Trajectories (`similar/{question}`) */
export interface VectorFillingOptions {
  trajectories: Table;
  vectors: Table;
  embedder: QuestionEmbedder;
  /** Each batch of questions waits for its turn. */
  inBackground: InBackground;
  /** How many rows are read at once, and how many bytes of questions wait for their vectors. */
  limit: PageLimit;
  /** Gives up; what is under way is awaited. */
  signal: AbortSignal;
  onEvent(event: SearchEvent): void;
  /** Share of the trajectories that were looked at, 0..1. */
  onProgress(ratio: number): void;
}

/** What a pass did. `failed` counts questions to be tried again, `refused` those that the model does not take. @source product contract, Trajectories (`similar/{question}`) */
export interface FillingOutcome {
  stored: number;
  removed: number;
  failed: number;
  refused: number;
  /** For the log: why the first of the failed ones failed. */
  reason?: unknown;
}

const questionsAtOnce = 256;
const questionsATurn = 32;
const rowsAtOnce = 2048;
const removedAtOnce = 500;
/** So many rows at the end are looked at besides the new ones: a change moves a row there. */
const changedRows = 2000;

/** @source product contract, Trajectories (`similar/{question}`) */
export interface VectorFilling {
  /** Looks at all trajectories, or at those alone that lie at the end, where new and changed ones come. */
  run(part: 'all' | 'end'): Promise<FillingOutcome>;
}

/** Remembers between passes which questions have vectors. @source product contract, Trajectories (`similar/{question}`) */
export function createVectorFilling(options: VectorFillingOptions): VectorFilling {
  const { trajectories, vectors, embedder, inBackground, limit, signal, onEvent, onProgress } = options;
  const rowsPerBatch = () => Math.min(rowsAtOnce, limit.rowsAtOnce());
  let known: TextHashes | undefined;
  /** Questions that the model refused: asking again is of no use until the next start. */
  const refused: TextHashes = new Set();
  let lookedAt = 0;

  async function stored(): Promise<TextHashes> {
    const hashes: TextHashes = new Set();
    for await (const batch of scanBatches(vectors.query().select(['question']), rowsPerBatch())) {
      eachText(batch, (hash) => hashes.add(hash));
    }
    return hashes;
  }

  async function embedAndStore(found: Found[], outcome: FillingOutcome, has: TextHashes): Promise<void> {
    if (found.length === 0) return;
    const startedAt = performance.now();
    const answers = await inBackground((given) => embedEach(embedder, found, given), { signal });
    signal.throwIfAborted();
    const made: QuestionVector[] = [];
    answers.forEach((answer, i) => {
      const { hash, question, dataId } = found[i]!;
      const vector = answer.status === 'fulfilled' ? answer.value[0] : undefined;
      if (vector) {
        made.push({ question, dataId, vector });
        has.add(hash);
        return;
      }
      const reason = answer.status === 'rejected' ? answer.reason : undefined;
      outcome.reason ??= reason;
      if (String((reason as { code?: unknown } | undefined)?.code).endsWith('_REQUEST_REFUSED')) {
        refused.add(hash);
        outcome.refused += 1;
      } else outcome.failed += 1;
    });
    if (made.length < found.length) onEvent({ type: 'vectors_failed', questions: found.length - made.length });
    if (made.length === 0 && outcome.failed > 0) throw new Unanswered(outcome.reason);
    if (made.length === 0) return;
    await addQuestionVectors(vectors, embedder, made);
    outcome.stored += made.length;
    const durationSeconds = (performance.now() - startedAt) / 1000;
    onEvent({ type: 'vectors_stored', questions: made.length, durationSeconds });
  }

  /** @returns the questions that the trajectories have */
  async function look(part: 'all' | 'end', has: TextHashes, outcome: FillingOutcome): Promise<TextHashes> {
    const seen: TextHashes = new Set();
    const total = await trajectories.countRows();
    const first = part === 'all' ? 0 : Math.max(0, Math.min(lookedAt, total) - changedRows);
    let looked = first;
    let found: Found[] = [];
    const query = trajectories.query().select(['question', 'data_id']);
    for await (const batch of scanBatches(first === 0 ? query : query.offset(first).limit(total), rowsPerBatch())) {
      const dataIds = batch.getChild('data_id');
      const fresh: Found[] = [];
      eachText(batch, (hash, textOf, row) => {
        if (seen.has(hash)) return;
        seen.add(hash);
        if (has.has(hash) || refused.has(hash)) return;
        const question = textOf();
        if (question.trim() !== '') fresh.push({ hash, question, dataId: String(dataIds?.get(row)) });
      });
      found.push(...fresh);
      const bytes = found.reduce((sum, { question }) => sum + question.length, 0);
      while (found.length >= questionsAtOnce || (bytes > limit.maxBytes && found.length > 0)) {
        await embedAndStore(found.slice(0, questionsAtOnce), outcome, has);
        found = found.slice(questionsAtOnce);
      }
      looked += batch.numRows;
      onProgress(Math.min(1, looked / Math.max(1, total)));
      await new Promise(setImmediate);
      signal.throwIfAborted();
    }
    await embedAndStore(found, outcome, has);
    lookedAt = total;
    return seen;
  }

  async function removeUnseen(seen: TextHashes, has: TextHashes): Promise<number> {
    let isComplete = true;
    for (const hash of has) isComplete &&= seen.has(hash);
    if (isComplete) return 0;
    const gone: { hash: number; id: string }[] = [];
    for await (const batch of scanBatches(vectors.query().select(['question']), rowsPerBatch())) {
      eachText(batch, (hash, textOf) => {
        if (!seen.has(hash)) gone.push({ hash, id: questionHash(textOf()) });
      });
    }
    for (let i = 0; i < gone.length; i += removedAtOnce) {
      const part = gone.slice(i, i + removedAtOnce);
      await retryOnConflict(() => vectors.delete(`question_hash IN ${listLiteral(part.map(({ id }) => id))}`));
      for (const { hash } of part) has.delete(hash);
    }
    if (gone.length > 0) onEvent({ type: 'vectors_removed', questions: gone.length });
    return gone.length;
  }

  return {
    async run(part) {
      const outcome: FillingOutcome = { stored: 0, removed: 0, failed: 0, refused: 0 };
      known ??= await stored();
      try {
        const seen = await look(part, known, outcome);
        if (part === 'all') outcome.removed = await removeUnseen(seen, known);
      } catch (error) {
        if (!(error instanceof Unanswered)) {
          // What was stored last may be there or not.
          known = undefined;
          throw error;
        }
      }
      return outcome;
    },
  };
}

interface Found {
  hash: number;
  question: string;
  dataId: string;
}

/** Not one question of a batch got a vector: the model is away, and the rest may wait. */
class Unanswered extends Error {
  constructor(reason: unknown) {
    super('no question of a batch got a vector', { cause: reason });
  }
}

function eachText(batch: RecordBatch, visit: (hash: number, textOf: () => string, row: number) => void): void {
  if (batch.numRows === 0) return;
  const { values, offsets } = textColumn(batch, 'question');
  for (let i = 0; i < batch.numRows; i++) {
    const [start, end] = [offsets[i]!, offsets[i + 1]!];
    visit(hashText(values, start, end), () => Buffer.from(values.subarray(start, end)).toString(), i);
  }
}

/** A vector made in this process takes a tenth of a millisecond: a few are asked for, then others have their turn. */
async function embedEach(
  embedder: QuestionEmbedder,
  found: readonly Found[],
  signal: AbortSignal | undefined,
): Promise<PromiseSettledResult<Float32Array[]>[]> {
  const answers: Promise<Float32Array[]>[] = [];
  for (const [i, { question }] of found.entries()) {
    if (i > 0 && i % questionsATurn === 0) await new Promise(setImmediate);
    const answer = signal?.aborted ? Promise.reject(signal.reason) : embedder.embed([question], { signal });
    // Awaited with the others; by then it may have failed for long.
    answer.catch(() => {});
    answers.push(answer);
  }
  return Promise.allSettled(answers);
}
