/**
 * The check of a JSON batch of events, made in slices: ten thousand events at once would hold up every other request.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyRouteSchemaDef, FastifyValidationResult } from 'fastify/types/schema.js';
import { validatorCompiler } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { learningEventSchema } from '../events/learning-event.js';

const maxEvents = 10_000;

/** Events that are checked or prepared in one go, about 10 ms. @source Node.js documentation, "Don't block the event loop" */
export const eventsPerTurn = 500;

/** @source product contract, Settled details (events) */
export const eventBatchSchema = z
  .strictObject({
    events: z.array(learningEventSchema).max(maxEvents, `expected at most ${maxEvents} events`),
  })
  .meta({ id: 'LearningEventBatch', description: 'Or events one a line, any number of them, as application/x-ndjson' });

/** What is checked before it is known that there are events to go through. */
const outerSchema = z.strictObject({
  events: z.array(z.unknown()).max(maxEvents, `expected at most ${maxEvents} events`),
});

interface Fault {
  instancePath: string;
}

const compile = (schema: z.ZodType) =>
  validatorCompiler({ schema, method: 'POST', url: '', httpPart: 'body' } as never) as (value: unknown) => {
    error?: Fault[];
  };

/**
 * The validator of a batch that is an object; what is none of that is somebody else's (`passes`).
 * @returns for a batch, a promise that is rejected with the faults of the first slice that has any, as a list
 * @source Fastify documentation, "Validation and Serialization" (asynchronous validators)
 */
export function eventBatchValidator(
  passes: (value: unknown) => boolean,
): (route: FastifyRouteSchemaDef<unknown>) => FastifyValidationResult {
  const checkOuter = compile(outerSchema);
  const checkEvents = compile(eventBatchSchema);

  async function check(value: unknown): Promise<void> {
    const { error } = checkOuter(value);
    if (error) throw error;
    const { events } = value as { events: unknown[] };
    for (let from = 0; from < events.length; from += eventsPerTurn) {
      if (from > 0) await nextTurn();
      const faults = checkEvents({ events: events.slice(from, from + eventsPerTurn) }).error;
      if (faults) throw faults.map((fault) => ({ ...fault, instancePath: shifted(fault.instancePath, from) }));
    }
  }

  return (route) => {
    const validate = validatorCompiler(route as never) as FastifyValidationResult;
    if (route.httpPart !== 'body') return validate;
    return ((value: unknown) => (passes(value) ? { value } : check(value))) as FastifyValidationResult;
  };
}

const shifted = (pointer: string, by: number) =>
  pointer.replace(/^\/events\/(\d+)/, (_all, index) => `/events/${Number(index) + by}`);
