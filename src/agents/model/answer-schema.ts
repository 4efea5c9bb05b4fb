import { z } from 'zod';

/** Keywords that servers with strict schemas refuse; our own check still minds them. */
const refusedKeywords = ['minLength', 'maxLength', '$schema'];

const written = new WeakMap<z.ZodType, Record<string, unknown>>();

/**
 * The JSON Schema of an answer as chat servers take it for `response_format`, written once for each schema.
 * @source OpenAI API documentation, "Structured outputs", supported schemas
 */
export function answerSchema(schema: z.ZodType): Record<string, unknown> {
  const known = written.get(schema) ?? write(schema);
  written.set(schema, known);
  return known;
}

function write(schema: z.ZodType): Record<string, unknown> {
  const text = z.toJSONSchema(schema, {
    override: ({ jsonSchema }) => {
      for (const keyword of refusedKeywords) delete (jsonSchema as Record<string, unknown>)[keyword];
    },
  }) as Record<string, unknown>;
  delete text.$schema;
  return text;
}
