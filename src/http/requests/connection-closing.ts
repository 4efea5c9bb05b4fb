import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { endsWithin } from '../../ends-within.js';

const lookEveryMs = 20;

/**
 * Lets a server that closes go once the last request is answered. Without it two kinds of connections would hold it: one
 * on which nothing was ever asked (browsers and clients open some in advance, and Node.js takes them for busy until the
 * time for headers is over), and one that was busy when closing began, which clients keep for their next request.
 * @source Node.js documentation, http "server.closeIdleConnections()", net "socket.bytesRead"
 */
export function installConnectionClosing(server: FastifyInstance): void {
  const open = new Set<Socket>();
  server.server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  server.addHook('preClose', async () => {
    if (!server.server.listening) return;
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
    const looking = setInterval(() => server.server.closeIdleConnections(), lookEveryMs);
    looking.unref();
    server.server.once('close', () => clearInterval(looking));
  });
}

/**
 * Closes the server; what is not answered by then is cut: a body that stopped arriving, a reader that stopped reading.
 * @param graceMs for the requests under way
 * @throws what a part's own closing throws
 * @source Node.js documentation, http "server.closeAllConnections()"
 */
export async function closeServer(server: FastifyInstance, graceMs: number): Promise<void> {
  const closed = server.close();
  if (!(await endsWithin(graceMs, closed))) server.server.closeAllConnections();
  await closed;
}
