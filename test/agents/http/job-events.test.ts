import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { jobRoutes } from '../../../src/agents/http/job-routes.js';
import { createLogger } from '../../../src/logger.js';
import { openExecutionEngine } from '../../../src/scheduler/index.js';
import { openTestScheduler } from '../../scheduler/open-test-scheduler.js';
import { temporaryFolder } from '../../support/folder.js';
import { startTestServer } from '../../support/server.js';

/** A listening server with a job that runs until `end` is called, while its other tasks have answered in full. */
async function withJob(answers: string[]) {
  const { scheduler, clock } = openTestScheduler();
  const engine = await openExecutionEngine({
    scheduler,
    folder: path.join(await temporaryFolder(), 'jobs'),
    logger: createLogger('silent'),
    onEvent: () => {},
    clock,
  });
  onTestFinished(() => engine.close());
  let end = () => {};
  const last = new Promise<void>((resolve) => {
    end = resolve;
  });
  const schedule = { name: 'x', kind: 'agent' } as const;
  const { job } = await engine.submit({
    name: 'x',
    tasks: [
      ...answers.map((answer, i) => ({ id: String(i), dependsOn: [], schedule, run: async () => answer })),
      { id: 'last', dependsOn: answers.map((_, i) => String(i)), schedule, run: () => last },
    ],
  });
  const server = await startTestServer([jobRoutes({ jobs: engine })]);
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const follow = async (lastEventId?: string) => {
    const request = http.get({
      port,
      host: '127.0.0.1',
      path: `/agents/jobs/${job.id}/events`,
      headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
    });
    onTestFinished(() => void request.destroy());
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return response.setEncoding('utf8');
  };
  return { follow, end };
}

const idsOf = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));

describe('GET /agents/jobs/{id}/events', () => {
  it('gives a late and slow follower two megabytes of what has happened, whole and in order, and then what comes', async () => {
    const answer = '答'.repeat(35_000);
    const { follow, end } = await withJob(Array.from({ length: 20 }, () => answer));
    const response = await follow();
    let text = '';
    for await (const chunk of response) {
      text += chunk;
      // The job: running, twenty tasks that began and ended, the last one that runs.
      if (text.includes('"id":"last","status":"running"')) end();
    }
    expect(text.length).toBeGreaterThan(20 * answer.length);
    expect(idsOf(text)).toEqual(Array.from({ length: 44 }, (_, i) => i + 1));
    expect(text).toContain('event: job\nid: 44\ndata: {"status":"completed"');
  });

  it('goes on after the last event that a follower names', async () => {
    const { follow, end } = await withJob(['one']);
    const response = await follow('3');
    let text = '';
    for await (const chunk of response) {
      text += chunk;
      end();
    }
    expect(idsOf(text)).toEqual([4, 5, 6]);
  });
});
