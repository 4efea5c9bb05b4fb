import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemResponses } from '../../http/index.js';
import {
  fieldsParameter,
  filterParameters,
  listQueryOf,
  oneSortField,
  oneSortOrder,
  sortParameters,
} from '../list-parameters.js';
import { exportFiles, exportFormats } from './export-format.js';
import type { Exports } from './exports.js';

/** What the routes need. @source product contract, Trajectories ("export") */
export interface ExportRoutesOptions {
  exports: Exports;
  /** Milliseconds since 1970, for the file's name. */
  nowMs?(): number;
}

const exportQuery = z
  .strictObject({
    format: z
      .enum(exportFormats, `expected one of ${exportFormats.join(', ')}`)
      .default('jsonl')
      .describe('jsonl can be imported again; csv is for spreadsheets'),
    ...filterParameters,
    ...sortParameters,
    ...fieldsParameter,
  })
  .refine(...oneSortField)
  .refine(...oneSortOrder);

const binary = z.string().meta({ format: 'binary' });

/** What the routes take and answer. @source product contract, Trajectories ("export") */
export const exportOperations = {
  exportTrajectories: {
    tags: ['trajectories'],
    operationId: 'exportTrajectories',
    summary: 'All matching trajectories as CSV, JSON lines, JSON or Parquet, streamed',
    produces: exportFormats.map((format) => exportFiles[format].mediaType.split(';', 1)[0]!),
    querystring: exportQuery,
    response: { 200: binary, ...problemResponses(400, 429) },
  },
};

/**
 * `/api/trajectories/export`: all matches as one file. A stored trajectory whose id is "export" is found by the list only.
 * @source product contract, Trajectories ("export"); RFC 6266
 */
export function exportRoutes({ exports, nowMs = Date.now }: ExportRoutesOptions): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/trajectories/export',
      {
        schema: exportOperations.exportTrajectories,
      },
      async (request, reply) => {
        const { format, ...given } = request.query;
        const { filter, sortBy, order, fields } = listQueryOf({ ...given, page: 1, pageSize: 1 });
        const moment = new Date(nowMs()).toISOString().replace(/[:-]|\.\d+/g, '');
        reply.type(exportFiles[format].mediaType);
        reply.header('content-disposition', `attachment; filename="trajectories-${moment}.${format}"`);
        reply.header('cache-control', 'no-store');
        if (request.method === 'HEAD') return reply.send('' as never);
        const stream = await exports.open({ filter, sortBy, order, format, ...(fields ? { fields } : {}) });
        return reply.send(stream as never);
      },
    );
  };
}
