import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemResponses } from '../../http/index.js';
import { listParametersSchema, listQueryOf, oneSortField, oneSortOrder } from '../list-parameters.js';
import type { ListQuery, TrajectoryRepository } from '../query/trajectory-repository.js';
import { listText, trajectoryPageSchema } from '../trajectory-routes.js';
import { questionNotFound } from './errors.js';
import { questionSortFields } from './question-order.js';
import { type QuestionRepository, questionSchema, questionStatisticsSchema } from './question-repository.js';

/** What the routes need: the questions, and the list of trajectories. @source product contract, Trajectories ("/api/questions") */
export interface QuestionRoutesOptions extends Pick<TrajectoryRepository, 'list' | 'explain'> {
  questions: QuestionRepository;
}

const wholeNumber = (max: number) =>
  z
    .string()
    .regex(/^\d{1,10}$/, 'expected a whole number')
    .transform(Number)
    .pipe(z.number().min(1, 'expected 1 or more').max(max, `expected ${max} or less`));
const sortField = z.enum(questionSortFields, `expected one of ${questionSortFields.join(', ')}`);
const order = z.enum(['asc', 'desc'], 'expected asc or desc');

const questionsQuery = z
  .strictObject({
    page: wholeNumber(1e9).default(1),
    pageSize: wholeNumber(1000).default(20),
    search: z
      .string()
      .max(1024, 'expected at most 1024 characters')
      .default('')
      .describe('data_id or question contains this, letter case aside'),
    sort_by: sortField.optional().describe('default attempts'),
    sortBy: sortField.optional().describe('the same as sort_by'),
    sort_order: order.optional().describe('default desc'),
    sortOrder: order.optional().describe('the same as sort_order'),
  })
  .refine(...oneSortField)
  .refine(...oneSortOrder);
const questionPageSchema = z
  .object({
    data: z.array(questionSchema),
    total: z.int().min(0),
    page: z.int().min(1),
    pageSize: z.int().min(1),
  })
  .meta({ id: 'QuestionPage' });
const idParameters = z.strictObject({ question_id: z.string().min(1) });
const statisticsQuery = z.strictObject({
  k: wholeNumber(1_000_000).optional().describe('estimates pass_at_k for so many attempts'),
});

/** What the routes take and answer. @source product contract, Trajectories (`/api/questions`) */
export const questionOperations = {
  listQuestions: {
    tags: ['questions'],
    operationId: 'listQuestions',
    summary: 'Lists questions with what their attempts add up to',
    querystring: questionsQuery,
    response: { 200: questionPageSchema, ...problemResponses(400, 422) },
  },
  listQuestionTrajectories: {
    tags: ['questions'],
    operationId: 'listQuestionTrajectories',
    summary: 'Lists the attempts at one question, with all parameters of the list of trajectories',
    params: idParameters,
    querystring: listParametersSchema,
    response: { 200: trajectoryPageSchema, ...problemResponses(400, 404, 422) },
  },
  getQuestionStatistics: {
    tags: ['questions'],
    operationId: 'getQuestionStatistics',
    summary: 'What the attempts at one question add up to',
    params: idParameters,
    querystring: statisticsQuery,
    response: { 200: questionStatisticsSchema, ...problemResponses(400, 404) },
  },
};

/**
 * `/api/questions`: trajectories grouped by the question they try to answer, which is their data_id.
 * @source product contract, Trajectories ("/api/questions")
 */
export function questionRoutes(options: QuestionRoutesOptions): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/questions',
      {
        schema: questionOperations.listQuestions,
      },
      async (request, reply) => {
        const { page, pageSize, search, ...sort } = request.query;
        const sortBy = sort.sort_by ?? sort.sortBy ?? 'attempts';
        const sortOrder = sort.sort_order ?? sort.sortOrder ?? 'desc';
        const found = await options.questions.list({ search, sortBy, order: sortOrder, page, pageSize });
        reply.header('cache-control', 'no-store');
        return { data: found.questions, total: found.total, page, pageSize };
      },
    );

    server.get(
      '/api/questions/:question_id/trajectories',
      {
        schema: questionOperations.listQuestionTrajectories,
      },
      async (request, reply) => {
        const questionId = request.params.question_id;
        const ofQuestion = { test: 'one_of', column: 'data_id', texts: [questionId] } as const;
        const within = (asked: ListQuery) => ({ ...asked, filter: [...asked.filter, ofQuestion] });
        const query = listQueryOf(request.query, questionId);
        const explain = request.query.explain ? await options.explain(within(query)) : undefined;
        // The cursor of a walk carries the filter: it is the one that was asked for.
        const text = await listText({ list: (asked) => options.list(within(asked)) }, query, explain);
        const isEmpty = text.subarray(0, 10).toString() === '{"data":[]';
        if (isEmpty) {
          const any = { sortBy: 'created_at', order: 'desc', page: 1, pageSize: 1, fields: ['trajectory_id'] } as const;
          const { total } = await options.list({ ...any, filter: [ofQuestion] });
          if (total === 0) throw questionNotFound(questionId);
        }
        reply.type('application/json; charset=utf-8');
        return reply.send(text as never);
      },
    );

    server.get(
      '/api/questions/:question_id/stats',
      {
        schema: questionOperations.getQuestionStatistics,
      },
      async (request, reply) => {
        reply.header('cache-control', 'no-store');
        return options.questions.statistics(request.params.question_id, request.query.k);
      },
    );
  };
}
