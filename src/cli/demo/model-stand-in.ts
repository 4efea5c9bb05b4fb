import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { type Chance, createChance } from './chance.js';

/**
 * A chat server that stands in for a model: after a moment it answers with text that fits the form it is asked for and
 * says of itself that it is invented. It listens on this machine only.
 * @source OpenAI API reference, "Create chat completion" (streaming, `response_format`)
 */
export interface ModelStandIn {
  baseUrl: string;
  close(): Promise<void>;
}

interface Form {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  items?: Form;
  minItems?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  properties?: Record<string, Form>;
}

interface Question {
  response_format?: { json_schema?: { schema?: Form } };
}

const leastMs = 150;
const mostMs = 900;
const sentence = '(invented by the demo, not by a model) 先说出定义，再举一个例子。';
/** Lists that belong together, such as the cells of a row and their headings, have to be of one length. */
const listLength = 3;

/** A value of the wanted form. */
function invented(form: Form, chance: Chance): unknown {
  if (form.const !== undefined) return form.const;
  if (form.enum !== undefined) return chance.pick(form.enum);
  switch (form.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(form.properties ?? {}).map(([name, of]) => [name, invented(of, chance)]),
      );
    case 'array': {
      const length = Math.min(form.maxItems ?? listLength, Math.max(form.minItems ?? 0, listLength));
      return Array.from({ length }, () => invented(form.items ?? {}, chance));
    }
    case 'integer':
    case 'number':
      return chance.whole(form.minimum ?? 0, Math.min(form.maximum ?? 100, 1000));
    case 'boolean':
      return chance.next() < 0.5;
    default:
      return sentence;
  }
}

const event = (content: string, end: string | null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: end }] })}\n\n`;

/** @source OpenAI API reference, "Create chat completion" */
export async function startModelStandIn(): Promise<ModelStandIn> {
  const chance = createChance(3);
  const server = createServer(async (request, response) => {
    try {
      const question = (await json(request)) as Question;
      await pause(chance.whole(leastMs, mostMs));
      const answer = JSON.stringify(invented(question.response_format?.json_schema?.schema ?? {}, chance));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`${event(answer, null)}${event('', 'stop')}data: [DONE]\n\n`);
    } catch {
      response.writeHead(400).end();
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
