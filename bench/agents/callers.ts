import type { ChildServer } from '../support/child.js';
import { type Client, expectStatus } from '../support/client.js';
import { cpuNanoseconds } from '../support/process-usage.js';

/**
 * Canvases that the calls go to, in turns.
 * @source issue figures ("at 50 concurrent calls")
 */
export const canvases = 50;

/**
 * Calls that are under way at a time.
 * @source issue figures ("at 50 concurrent calls")
 */
export const atOnce = 50;

/** @source RFC 8259 section 11 */
export const jsonBody = { 'content-type': 'application/json' };

/**
 * What an agent answers, as far as the bench looks at it.
 * @source product contract, Agents
 */
export interface Called {
  success: boolean;
  result: { answer: { questions: { hint: string }[] } } | null;
}

const text = (id: string, x: number) => ({
  id,
  type: 'text',
  text: `关于 ${id} 的笔记`,
  x,
  y: 0,
  width: 250,
  height: 60,
});

/**
 * Canvases of some notes each, so that an agent has surroundings to read and others' cards to keep clear of.
 * @source product contract, Agents
 */
export async function storeCanvases(client: Client): Promise<void> {
  for (let index = 0; index < canvases; index++) {
    const nodes = Array.from({ length: 20 }, (_, at) => text(`n${at}`, at * 300));
    const edges = nodes.slice(1).map(({ id }, at) => ({ id: `e${at}`, fromNode: 'n0', toNode: id }));
    const body = Buffer.from(JSON.stringify({ nodes, edges }));
    expectStatus(
      await client.request('PUT', `/canvas/${index}.canvas`, { headers: jsonBody, body }),
      [201],
      'a canvas',
    );
  }
}

let asked = 0;

/**
 * No two calls are equal, so that each one asks the model.
 * @source product contract, Agents (`POST /agents/invoke`)
 */
export const invocation = (index: number) => ({
  agent_type: 'basic-decomposition',
  canvas_path: `${index % canvases}.canvas`,
  target_node_id: `n${index % 20}`,
  parameters: { dry_run: false, instructions: `call ${asked++}` },
});

/** Milliseconds that the model took, as it says itself. */
const modelMs = ({ result }: Called) => Number(result?.answer.questions.at(-1)?.hint);

/** One call: its milliseconds beyond the model's own. */
async function ownShare(client: Client, index: number): Promise<number> {
  const body = Buffer.from(JSON.stringify(invocation(index)));
  const answer = await client.request('POST', '/agents/invoke', { headers: jsonBody, body });
  expectStatus(answer, [200], 'an agent');
  return answer.milliseconds - modelMs(JSON.parse(answer.body.toString('utf8')));
}

/**
 * Milliseconds beyond the model's own: `first` of the calls that all come in one instant, `later` of those that follow
 * one by one. `cpuMs` of one call: what the asked server, the model's server and this process used.
 * @source issue figures ("our own share of an agent call")
 */
export interface CallersAtWork {
  first: number[];
  later: number[];
  cpuMs: { server: number; model: number; client: number };
}

/**
 * Callers that each send the next call when the last is answered.
 * @source issue figures ("at 50 concurrent calls")
 */
export async function callersAtWork(
  client: Client,
  servers: { server: ChildServer; model: ChildServer },
  callsEach: number,
): Promise<CallersAtWork> {
  const cpu = () => {
    const { user, system } = process.cpuUsage();
    const [server, model] = [servers.server, servers.model].map(({ pid }) => cpuNanoseconds(pid) / 1e6);
    return { server: server as number, model: model as number, client: (user + system) / 1000 };
  };
  const before = cpu();
  const callers = Array.from({ length: atOnce }, async (_, index) => {
    const shares: number[] = [];
    for (let call = 0; call <= callsEach; call++) shares.push(await ownShare(client, index));
    return shares;
  });
  const shares = await Promise.all(callers);
  const after = cpu();
  const calls = atOnce * (callsEach + 1);
  const perCall = (who: keyof typeof before) => (after[who] - before[who]) / calls;
  return {
    first: shares.map((each) => each[0] as number),
    later: shares.flatMap((each) => each.slice(1)),
    cpuMs: { server: perCall('server'), model: perCall('model'), client: perCall('client') },
  };
}
