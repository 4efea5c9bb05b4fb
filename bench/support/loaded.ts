import { setTimeout as wait } from 'node:timers/promises';
import { type Client, expectStatus } from './client.js';

const deadlineMs = 60_000;

/**
 * Waits until the service says of nothing any more that it is being loaded; with `index_prewarm` off that is at once.
 * @throws Error when it takes too long
 * @source product contract, Optimisations (`index_prewarm`)
 */
export async function untilLoaded(client: Client): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const answer = expectStatus(await client.request('GET', '/ready'), [200], 'GET /ready');
    if (!answer.body.includes('loading')) return;
    if (performance.now() > deadline) throw new Error('the service did not finish loading');
    await wait(20);
  }
}
