import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { closingSignal, openEventStream, problemResponses } from '../../http/index.js';
import { type HistoryRange, type HistoryTable, historyRanges } from '../history/history.js';
import { dashboardFileUnknown } from './errors.js';
import { type PageFile, pageName, readPageFiles } from './page-files.js';
import { snapshotSchema } from './snapshot.js';
import type { Viewers } from './viewers.js';

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** A viewer that is further behind than this is let go, and comes back. */
const maxBufferedBytes = 256 * 1024;

const noQuery = z.strictObject({});
const file = { 200: z.string(), ...problemResponses(400, 404) };

/** What the routes take and answer. @source product contract, Monitoring (`GET /dashboard`) */
export const dashboardOperations = {
  getDashboard: {
    tags: ['monitoring'],
    operationId: 'getDashboard',
    summary: 'The dashboard: a page',
    querystring: noQuery,
    response: file,
  },
  getDashboardFile: {
    tags: ['monitoring'],
    operationId: 'getDashboardFile',
    summary: 'A file that the page loads',
    params: z.object({ file: z.string() }),
    querystring: noQuery,
    response: file,
  },
  getDashboardHistory: {
    tags: ['monitoring'],
    operationId: 'getDashboardHistory',
    summary: 'What the service measured of itself over a range of time',
    querystring: z.strictObject({ range: z.enum(historyRanges).default('15m') }),
    response: {
      200: z.object({
        range: z.enum(historyRanges),
        step_seconds: z.number(),
        columns: z.array(z.string()).describe('what each number of a point is; the first is its time in epoch seconds'),
        points: z.array(z.array(z.number().nullable())),
      }),
      ...problemResponses(400),
    },
  },
  followDashboard: {
    tags: ['monitoring'],
    operationId: 'followDashboard',
    summary: 'Server-sent events `snapshot`: all that the dashboard shows, every two seconds',
    querystring: noQuery,
    response: { 200: snapshotSchema.describe('the data of each event'), ...problemResponses(400, 429) },
  },
};

/**
 * The addresses that the page and its files are at. They hold nothing of the service's own data, so that a browser may
 * load them without the token that the page then asks for.
 * @source product contract, Monitoring (`GET /dashboard`)
 */
export const dashboardPagePaths: readonly string[] = ['/dashboard', '/dashboard/:file'];

/**
 * What the routes of the dashboard show.
 * @source product contract, Monitoring (`GET /dashboard`)
 */
export interface DashboardRoutesOptions {
  viewers: Viewers;
  table(range: HistoryRange): HistoryTable;
}

function sendFile(reply: FastifyReply, wanted: PageFile) {
  const { type, etag, plain } = wanted;
  const { 'if-none-match': known = '', 'accept-encoding': accepted = '' } = reply.request.headers;
  reply.headers({ 'cache-control': 'no-cache', 'content-security-policy': policy, vary: 'accept-encoding', etag });
  reply.header('referrer-policy', 'no-referrer');
  if (known.includes(etag)) return reply.code(304).send();
  const takesBrotli = /(?:^|,)\s*br\s*(?:$|[,;])/.test(String(accepted));
  if (takesBrotli) reply.header('content-encoding', 'br');
  return reply.type(type).send(takesBrotli ? wanted.brotli() : plain);
}

/**
 * The live page of the service with its files, the past that its charts begin with, and what keeps it live. The page
 * needs nothing from the internet.
 * @source story-17.4 AC6; product contract, Monitoring (`GET /dashboard`)
 */
export function dashboardRoutes({ viewers, table }: DashboardRoutesOptions): FastifyPluginAsyncZod {
  const files = readPageFiles();
  const page = files.get(pageName) as PageFile;
  return async (server) => {
    const closing = closingSignal(server);
    server.get('/dashboard', { schema: dashboardOperations.getDashboard }, async (_request, reply) =>
      sendFile(reply as FastifyReply, page),
    );
    server.get('/dashboard/:file', { schema: dashboardOperations.getDashboardFile }, async (request, reply) => {
      const found = files.get(request.params.file);
      if (found === undefined) throw dashboardFileUnknown();
      return sendFile(reply as FastifyReply, found);
    });
    server.get('/dashboard/history', { schema: dashboardOperations.getDashboardHistory }, async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return table(request.query.range);
    });
    server.get('/dashboard/events', { schema: dashboardOperations.followDashboard }, async (request, reply) => {
      const release = viewers.reserve();
      viewers.show(openEventStream(request, reply as FastifyReply, { closing, maxBufferedBytes }), release);
      return reply as never;
    });
  };
}
