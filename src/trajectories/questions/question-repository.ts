import { z } from 'zod';
import { readFresh, scanBatches, type Table } from '../../lance/index.js';
import { passAtK } from '../analysis/statistics.js';
import { noPageLimit, type PageLimit, takenInSteps } from '../query/rows/page-limit.js';
import { filterSql } from '../query/trajectory-filter.js';
import { questionNotFound } from './errors.js';
import type { Figures } from './figures.js';
import { type QuestionFigures, textColumn } from './question-figures.js';
import { figureOf, type QuestionSortField, risingOrder } from './question-order.js';

const count = z.int().min(0);
const share = z.number().min(0).max(1);

/** All attempts at one question. @source product contract, Trajectories ("/api/questions") */
export const questionSchema = z
  .object({
    data_id: z.string(),
    question: z.string().describe('as the trajectory that was stored first has it'),
    attempts: z.int().min(1),
    successes: count,
    pass_rate: share.describe('successes / attempts'),
    avg_reward: z.number(),
    avg_exec_time: z.number().describe('seconds'),
  })
  .meta({ id: 'Question' });

/** All attempts at one question. @source product contract, Trajectories ("/api/questions") */
export type Question = z.infer<typeof questionSchema>;

/** One question more closely. @source product contract, Trajectories ("/api/questions/{id}/stats") */
export const questionStatisticsSchema = questionSchema
  .extend({
    failures: count,
    pass_at_k: share
      .nullable()
      .describe(
        'whether one attempt succeeded; with k, 1 - C(n-c,k)/C(n,k), null when there are fewer attempts than k',
      ),
    k: z.int().min(1).nullable(),
  })
  .meta({ id: 'QuestionStatistics' });

/** One question more closely. @source product contract, Trajectories ("/api/questions/{id}/stats") */
export type QuestionStatistics = z.infer<typeof questionStatisticsSchema>;

/**
 * A page of questions; `search` is contained in the data_id or the question, letter case aside.
 * @source product contract, Trajectories ("/api/questions")
 */
export interface QuestionQuery {
  search: string;
  sortBy: QuestionSortField;
  order: 'asc' | 'desc';
  page: number;
  pageSize: number;
}

/** Reads trajectories grouped by question. @source product contract, Trajectories ("/api/questions") */
export interface QuestionRepository {
  /** @throws Problem PAGE_TOO_LARGE */
  list(query: QuestionQuery): Promise<{ questions: Question[]; total: number }>;
  /** @throws Problem QUESTION_NOT_FOUND */
  statistics(questionId: string, k: number | undefined): Promise<QuestionStatistics>;
}

/** Where the numbers and the texts come from. @source product contract, Trajectories ("/api/questions") */
export interface QuestionRepositoryOptions {
  trajectories: Table;
  figures: Pick<Figures, 'questions'>;
  /** How much text of questions a page may hold. */
  limit?: PageLimit;
}

const tries = 4;

/** @source product contract, Trajectories ("/api/questions") */
export function createQuestionRepository(options: QuestionRepositoryOptions): QuestionRepository {
  const { trajectories, figures, limit = noPageLimit } = options;

  /** The codes of questions that the text is found in. */
  async function found(current: QuestionFigures, search: string): Promise<Set<number>> {
    const where = filterSql([{ test: 'contains', columns: ['data_id', 'question'], text: search }]);
    return readFresh(trajectories, async () => {
      const codes = new Set<number>();
      const query = trajectories.query().select(['data_id']);
      for await (const batch of scanBatches(where === undefined ? query : query.where(where))) {
        if (batch.numRows === 0) continue;
        const { values, offsets } = textColumn(batch, 'data_id');
        for (let i = 0; i < batch.numRows; i++) codes.add(current.ids.find(values, offsets[i]!, offsets[i + 1]!));
      }
      return codes;
    });
  }

  /** The questions' texts; undefined when one of the rows has moved since the figures were worked out. */
  async function texts({ firstRowIds }: QuestionFigures, codes: readonly number[]): Promise<string[] | undefined> {
    const rowIds = codes.map((code) => firstRowIds[code]!);
    return takenInSteps<string, bigint[]>(rowIds, limit, textsAt, (text) => Buffer.byteLength(text), 'pageSize', '');
  }

  async function textsAt(rowIds: bigint[]): Promise<string[] | undefined> {
    const taken = await readFresh(trajectories, () =>
      trajectories.takeRowIds(rowIds).select(['question']).withRowId().toArrow(),
    );
    const [ids, questions] = [taken.getChild('_rowid'), taken.getChild('question')];
    const byRowId = new Map<unknown, string>();
    for (let i = 0; i < taken.numRows; i++) byRowId.set(ids?.get(i), String(questions?.get(i)));
    const found = rowIds.flatMap((id) => byRowId.get(id) ?? []);
    return found.length === rowIds.length ? found : undefined;
  }

  /** Reads figures and texts that belong together. */
  async function read<T>(choose: (current: QuestionFigures) => Promise<{ codes: number[]; rest: T }>) {
    for (let attempt = 1; attempt <= tries; attempt++) {
      const current = await figures.questions();
      const { codes, rest } = await choose(current);
      const questionTexts = await texts(current, codes);
      if (questionTexts) {
        return { current, rest, questions: codes.map((code, i) => questionOf(current, code, questionTexts[i]!)) };
      }
    }
    throw new Error(`questions moved during each of ${tries} readings`);
  }

  return {
    async list({ search, sortBy, order, page, pageSize }) {
      const { questions, rest } = await read(async (current) => {
        const wanted = search === '' ? undefined : await found(current, search);
        const rising = risingOrder(current, sortBy);
        const chosen = wanted ? rising.filter((code) => wanted.has(code)) : rising;
        const from = (page - 1) * pageSize;
        const codes =
          order === 'asc'
            ? chosen.subarray(from, from + pageSize)
            : chosen.slice(Math.max(0, chosen.length - from - pageSize), Math.max(0, chosen.length - from)).reverse();
        return { codes: [...codes], rest: chosen.length };
      });
      return { questions, total: rest };
    },
    async statistics(questionId, k) {
      const bytes = Buffer.from(questionId);
      const { current, questions, rest } = await read(async ({ ids, attempts }) => {
        const code = ids.find(bytes, 0, bytes.length);
        return { codes: (attempts[code] ?? 0) > 0 ? [code] : [], rest: code };
      });
      const [question] = questions;
      if (!question) throw questionNotFound(questionId);
      const [n, c] = [current.attempts[rest]!, current.successes[rest]!];
      const chance = k === undefined ? Number(c > 0) : n >= k ? passAtK(n, c, k) : null;
      return { ...question, failures: n - c, pass_at_k: chance, k: k ?? null };
    },
  };
}

function questionOf(figures: QuestionFigures, code: number, question: string): Question {
  return {
    data_id: figures.ids.textOf(code),
    question,
    attempts: figureOf(figures, 'attempts', code),
    successes: figureOf(figures, 'successes', code),
    pass_rate: figureOf(figures, 'pass_rate', code),
    avg_reward: figureOf(figures, 'avg_reward', code),
    avg_exec_time: figureOf(figures, 'avg_exec_time', code),
  };
}
