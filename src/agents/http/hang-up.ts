import type { FastifyReply } from 'fastify';

/**
 * A signal that aborts when the client goes away before its answer was sent, or has gone already. Ask for it before
 * anything is waited for.
 * @source product contract, Settled details ("A client that hangs up cancels its invoke")
 */
export function hangUpSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  const gone = () => {
    if (!reply.raw.writableEnded) controller.abort(new Error('the client went away'));
  };
  if (reply.raw.destroyed) gone();
  else reply.raw.once('close', gone);
  return controller.signal;
}
