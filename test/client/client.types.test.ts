import { describe, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import type { storedCanvas } from '../../src/canvases/http/route-schemas.js';
import type { AnswerOf, Client, Contracts, OperationName, RawBody, RequestOf } from '../../src/client/index.js';
import type { knowledgeQuerySchema } from '../../src/memory/http/knowledge-input.js';
import type { listedTrajectorySchema } from '../../src/trajectories/trajectory-routes.js';

/** These are compared when the types are checked (`npm run types`), not when the tests run. */
describe('the types of the client', () => {
  it('are those of the schemas that the service validates with', () => {
    type Search = RequestOf<Contracts['searchKnowledge']>;
    expectTypeOf<Search['body']>().toEqualTypeOf<z.input<typeof knowledgeQuerySchema> | RawBody>();
    expectTypeOf<AnswerOf<Contracts['getTrajectory']>['body']>().toEqualTypeOf<
      z.output<typeof listedTrajectorySchema>
    >();
    type Put = AnswerOf<Contracts['putCanvas']>;
    expectTypeOf<Put['status']>().toEqualTypeOf<200 | 201 | 202>();
    expectTypeOf<Extract<Put, { status: 201 }>['body']>().toEqualTypeOf<z.output<typeof storedCanvas>>();
    expectTypeOf<Extract<AnswerOf<Contracts['getCanvas']>, { status: 304 }>['body']>().toEqualTypeOf<undefined>();
  });

  it('follow a change of a schema: another body, parameter or answer is another call', () => {
    type Now = Contracts['readJob'];
    type Changed = Omit<Now, 'params'> & { params: z.ZodObject<{ job: z.ZodString }> };
    expectTypeOf<RequestOf<Changed>>().not.toEqualTypeOf<RequestOf<Now>>();
    expectTypeOf<{ params: { id: string } }>().toExtend<RequestOf<Now>>();
    expectTypeOf<{ params: { id: string } }>().not.toExtend<RequestOf<Changed>>();
    type Longer = Omit<Now, 'response'> & { response: { 200: z.ZodObject<{ left: z.ZodNumber }> } };
    expectTypeOf<AnswerOf<Longer>['body']>().toEqualTypeOf<{ left: number }>();
  });

  it('cover every operation, ask for what is required, and know what streams', () => {
    type Named = { [Group in keyof Client]: keyof Client[Group] }[keyof Client];
    expectTypeOf<Exclude<OperationName, Named>>().toEqualTypeOf<never>();
    expectTypeOf<Exclude<Named, OperationName>>().toEqualTypeOf<never>();
    const calls = (client: Client) => {
      void client.monitoring.getHealth();
      void client.trajectories.listTrajectories({ query: { pageSize: 5, reward_min: 0.5, tags: ['a', 'b'] } });
      // @ts-expect-error the path is required
      void client.canvases.getCanvas();
      // @ts-expect-error an unknown parameter
      void client.trajectories.listTrajectories({ query: { page_size: 5 } });
      // @ts-expect-error an agent that does not exist
      void client.agents.invokeAgent({ body: { agent_type: 'poet', canvas_path: 'a.canvas', target_node_id: 'n' } });
      // @ts-expect-error the route takes no query
      void client.monitoring.getMetrics({ query: { name: 'x' } });
      return client.canvases.followCanvases();
    };
    expectTypeOf(calls).returns.toExtend<AsyncIterable<{ event: string; id: string; data: unknown }>>();
  });
});
