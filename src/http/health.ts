import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

const componentSchema = z.object({ ready: z.boolean(), detail: z.string().optional() });

/**
 * Readiness of one part; `detail` says what it waits for.
 * @source product contract, Monitoring (`/ready`: "readiness by component")
 */
export type ComponentState = z.infer<typeof componentSchema>;

/**
 * What `/ready` asks: whether the service is on its way down, and each part's own word.
 * @source product contract, Monitoring
 */
export interface Readiness {
  draining(): boolean;
  components(): Promise<Record<string, ComponentState>> | Record<string, ComponentState>;
}

const readinessSchema = z.object({
  status: z.enum(['ready', 'starting', 'draining']),
  components: z.record(z.string(), componentSchema),
});

/** What the routes take and answer. @source product contract, Monitoring (`GET /health`, `GET /ready`) */
export const healthOperations = {
  getHealth: {
    tags: ['monitoring'],
    operationId: 'getHealth',
    summary: 'Whether the process is alive',
    response: { 200: z.object({ status: z.literal('ok'), uptime_seconds: z.number() }) },
  },
  getReadiness: {
    tags: ['monitoring'],
    operationId: 'getReadiness',
    summary: 'Whether every part can work',
    response: { 200: readinessSchema, 503: readinessSchema },
  },
};

/**
 * `/health` (the process answers) and `/ready` (every part can work; 503 while starting or draining).
 * @source product contract, Monitoring
 */
export function healthRoutes(readiness: Readiness): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/health',
      {
        schema: healthOperations.getHealth,
      },
      async (_request, reply) => {
        reply.header('cache-control', 'no-store');
        return { status: 'ok' as const, uptime_seconds: Math.round(process.uptime() * 1000) / 1000 };
      },
    );
    server.get(
      '/ready',
      {
        schema: healthOperations.getReadiness,
      },
      async (_request, reply) => {
        reply.header('cache-control', 'no-store');
        const components = await readiness.components();
        const allReady = Object.values(components).every((component) => component.ready);
        const status = readiness.draining() ? 'draining' : allReady ? 'ready' : 'starting';
        reply.code(status === 'ready' ? 200 : 503);
        return { status, components } as const;
      },
    );
  };
}
