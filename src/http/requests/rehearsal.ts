import type { FastifyInstance, FastifyRequest } from 'fastify';

/** In place of a client's address: no connection can come from there. */
const nowhere = 'rehearsal';

/** Whether the service itself asks, at its start. @source product contract, Optimisations (`index_prewarm`) */
export const isRehearsal = ({ ip }: Pick<FastifyRequest, 'ip'>): boolean => ip === nowhere;

/**
 * Asks the service for an address as a client does, but for the connection, so that what runs for the first time does so
 * before a client waits for it. Neither the log nor the figures of requests tell of it.
 * @throws Error when the answer is not 200
 * @source product contract, Optimisations (`index_prewarm`); Fastify documentation, "Testing" (inject)
 */
export async function rehearse(server: FastifyInstance, url: string, apiToken?: string): Promise<void> {
  const { statusCode } = await server.inject({
    url,
    remoteAddress: nowhere,
    headers: apiToken === undefined ? {} : { authorization: `Bearer ${apiToken}` },
  });
  if (statusCode !== 200) throw new Error(`expected 200, got ${statusCode}`);
}
