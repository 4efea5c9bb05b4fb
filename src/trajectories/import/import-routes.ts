import type { IncomingMessage } from 'node:http';
import multipart from '@fastify/multipart';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemResponses } from '../../http/index.js';
import { wholeNumber } from '../list-parameters.js';
import { encodingUnsupported, uploadInvalid } from './errors.js';
import { followingRoutes } from './following/following-routes.js';
import type { Imports } from './imports.js';
import {
  type ImportOptions,
  type ImportResult,
  importResultSchema,
  importSummarySchema,
  isFinal,
} from './tasks/import-task.js';
import { readUploadForm } from './upload-form.js';

const flag = z.enum(['true', 'false', '1', '0'], 'expected true or false');
const onConflict = z.enum(['skip', 'replace'], 'expected "skip" or "replace"');
const isOn = (text: string | undefined) => text === 'true' || text === '1';

const expectedLimit = 'expected a whole number from 1 to 1000';
const expectedOffset = 'expected a whole number from 0 to 1000000';
const optionFields = {
  skip_duplicate_check: flag.optional().meta({ description: 'Do not look whether ids are stored already' }),
  on_conflict: onConflict.optional().meta({ description: 'What to do with ids that are stored already (skip)' }),
};
const optionNames = Object.keys(optionFields);
const wait = flag.optional().meta({ description: 'Answer when the import has ended' });
const importQuery = z.strictObject({ ...optionFields, wait });
const taskParams = z.strictObject({ task_id: z.string().max(100) });
const fromPathBody = z.strictObject({
  file_path: z.string().min(1).max(4096),
  file_type: z.enum(['auto', 'json', 'jsonl', 'ndjson', 'gzip']).optional().meta({
    description: 'Taken for compatibility; the form is told from the content',
  }),
  skip_duplicate_check: z.boolean().optional(),
  on_conflict: onConflict.optional(),
});

const uploadTypes = [
  'application/x-ndjson',
  'application/ndjson',
  'application/json',
  'application/jsonl',
  'application/jsonlines',
  'application/octet-stream',
  'application/gzip',
  'application/x-gzip',
];

const accepted = {
  200: importResultSchema.meta({ description: 'Ended (wait=true)' }),
  202: importResultSchema.meta({ description: 'Accepted and durable; see Location' }),
};

function optionsFrom(given: {
  skip_duplicate_check?: string | undefined;
  on_conflict?: string | undefined;
}): ImportOptions {
  return {
    skip_duplicate_check: isOn(given.skip_duplicate_check),
    on_conflict: given.on_conflict === 'replace' ? 'replace' : 'skip',
  };
}

/** What the routes take and answer. @source product contract, Trajectories (import) */
export const importOperations = {
  importUpload: {
    tags: ['trajectories'],
    operationId: 'importUpload',
    summary: 'Import an uploaded file (multipart field "file"), any format, gzip too',
    consumes: ['multipart/form-data'],
    querystring: importQuery,
    response: { ...accepted, ...problemResponses(400, 413, 415, 429, 503, 507) },
  },
  importFromPath: {
    tags: ['trajectories'],
    operationId: 'importFromPath',
    summary: 'Import a file that lies in one of the allowed directories',
    querystring: z.strictObject({ wait }),
    body: fromPathBody,
    response: { ...accepted, ...problemResponses(400, 404, 415, 429, 503, 507) },
  },
  importStatus: {
    tags: ['trajectories'],
    operationId: 'importStatus',
    summary: 'What has become of an import',
    params: taskParams,
    querystring: z.strictObject({}),
    response: { 200: importResultSchema, ...problemResponses(400, 404) },
  },
  importHistory: {
    tags: ['trajectories'],
    operationId: 'importHistory',
    summary: 'Imports, newest first',
    querystring: z.strictObject({
      limit: wholeNumber.pipe(z.int().min(1, expectedLimit).max(1000, expectedLimit)).default(100),
      offset: wholeNumber.pipe(z.int().min(0, expectedOffset).max(1_000_000, expectedOffset)).default(0),
    }),
    response: {
      200: z.object({ data: z.array(importSummarySchema), total: z.int() }),
      ...problemResponses(400),
    },
  },
  importLogs: {
    tags: ['trajectories'],
    operationId: 'importLogs',
    summary: 'The errors of an import, one a line, or as JSON',
    params: taskParams,
    querystring: z.strictObject({ format: z.enum(['text', 'json']).optional() }),
    response: {
      200: z.union([
        z.string(),
        z.object({ task_id: z.string(), errors: z.array(z.string()), warnings: z.array(z.string()) }),
      ]),
      ...problemResponses(400, 404),
    },
  },
  importDirectories: {
    tags: ['trajectories'],
    operationId: 'importDirectories',
    summary: 'Folders from which files may be imported by path',
    querystring: z.strictObject({}),
    response: { 200: z.object({ directories: z.array(z.string()) }), ...problemResponses(400) },
  },
  importCancel: {
    tags: ['trajectories'],
    operationId: 'importCancel',
    summary: 'End an import between two batches; what is stored stays',
    params: taskParams,
    querystring: z.strictObject({}),
    response: { 200: importResultSchema, ...problemResponses(400, 404, 409) },
  },
  importStream: {
    tags: ['trajectories'],
    operationId: 'importStream',
    summary: 'Import the request body, streamed: JSONL or JSON, gzip too',
    consumes: uploadTypes,
    querystring: importQuery,
    response: { ...accepted, ...problemResponses(400, 413, 415, 429, 503, 507) },
  },
};

/**
 * The import's addresses: uploads as form or as raw body, files by path, and what has become of them.
 * @source product contract, Trajectories (import); trajectory-optimization 1
 */
export function importRoutes(imports: Imports): FastifyPluginAsyncZod {
  async function answer(reply: FastifyReply, task: ImportResult, wants: string | undefined) {
    const result = isOn(wants) ? await imports.finished(task.task_id) : task;
    reply.header('cache-control', 'no-store');
    reply.header('location', `/api/import/status/${result.task_id}`);
    return reply.code(isFinal(result.status) && isOn(wants) ? 200 : 202).send(result);
  }

  return async (server) => {
    await server.register(multipart, {
      limits: {
        files: 2,
        fields: 8,
        parts: 10,
        fieldSize: 1024,
        fieldNameSize: 100,
        fileSize: Number.MAX_SAFE_INTEGER,
      },
      throwFileSizeLimit: false,
    });

    server.route({
      method: 'POST',
      url: '/api/import/json',
      schema: importOperations.importUpload,
      handler: async (request, reply) => {
        const { wait: wants, ...fromQuery } = request.query;
        const { upload, fields } = await readUploadForm(request, imports, optionNames);
        const parsed = z.object(optionFields).safeParse(fields);
        if (!parsed.success) {
          await upload.discard();
          const [issue] = parsed.error.issues;
          throw uploadInvalid(`${String(issue?.path[0])}: ${issue?.message}`);
        }
        return answer(reply, await imports.accept(upload, optionsFrom({ ...fromQuery, ...parsed.data })), wants);
      },
    });

    await server.register(rawUpload);
    await server.register(followingRoutes(imports));

    server.route({
      method: 'POST',
      url: '/api/import/from-path',
      schema: importOperations.importFromPath,
      handler: async (request, reply) => {
        const { file_path, skip_duplicate_check = false, on_conflict = 'skip' } = request.body;
        const task = await imports.acceptPath(file_path, { skip_duplicate_check, on_conflict });
        return answer(reply, task, request.query.wait);
      },
    });

    server.route({
      method: 'GET',
      url: '/api/import/status/:task_id',
      schema: importOperations.importStatus,
      handler: async (request, reply) => {
        reply.header('cache-control', 'no-store');
        return reply.send(await imports.status(request.params.task_id));
      },
    });

    server.route({
      method: 'GET',
      url: '/api/import/history',
      schema: importOperations.importHistory,
      handler: async (request, reply) => {
        reply.header('cache-control', 'no-store');
        return reply.send(imports.history(request.query.limit, request.query.offset));
      },
    });

    server.route({
      method: 'GET',
      url: '/api/import/logs/:task_id',
      schema: importOperations.importLogs,
      handler: async (request, reply) => {
        const { task_id, errors, warnings } = await imports.status(request.params.task_id);
        reply.header('cache-control', 'no-store');
        const asJson =
          request.query.format ?? (/\bapplication\/json\b/.test(request.headers.accept ?? '') ? 'json' : 'text');
        if (asJson === 'json') return reply.send({ task_id, errors, warnings });
        const lines = [...errors, ...warnings.map((warning) => `Warning: ${warning}`)];
        return reply.type('text/plain; charset=utf-8').send(lines.map((line) => `${line}\n`).join(''));
      },
    });

    server.route({
      method: 'GET',
      url: '/api/import/allowed-directories',
      schema: importOperations.importDirectories,
      handler: async (_request, reply) => reply.send({ directories: [...imports.directories] }),
    });

    server.route({
      method: 'POST',
      url: '/api/import/cancel/:task_id',
      schema: importOperations.importCancel,
      handler: async (request, reply) => reply.send(await imports.cancel(request.params.task_id)),
    });
  };

  /** In a scope of its own, since here every media type is a stream. */
  async function rawUpload(server: Parameters<FastifyPluginAsyncZod>[0]): Promise<void> {
    server.removeAllContentTypeParsers();
    server.addContentTypeParser(uploadTypes, (_request: FastifyRequest, body: IncomingMessage, done) =>
      done(null, body),
    );
    server.route({
      method: 'POST',
      url: '/api/import',
      schema: importOperations.importStream,
      handler: async (request, reply) => {
        const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
        if (!['identity', 'gzip', 'x-gzip'].includes(encoding)) throw encodingUnsupported();
        if (request.body === undefined || request.body === null) throw uploadInvalid('Expected a body, got none');
        const { wait: wants, ...given } = request.query;
        const upload = await imports.receive(request.body as IncomingMessage, encoding !== 'identity');
        return answer(reply, await imports.accept(upload, optionsFrom(given)), wants);
      },
    });
  }
}
