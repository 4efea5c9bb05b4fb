import http, { type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

// A process of its own: the least that a server between a client and a model does. It passes a small question on, reads
// the streamed answer to its end and parses it once. No canvas, no queue, no check, nothing stored, no log line. What its
// callers wait beyond the model is what the machine, the client and the model's own server take.
const [origin] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true });

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function ask(question: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(question) };
    const sent = http.request(`${origin}/v1/chat/completions`, { method: 'POST', agent, headers });
    sent.on('error', reject).on('response', resolve).end(question);
  });
}

/** The pieces of the answer put together. */
function answerIn(stream: string): unknown {
  const events = stream.split('\n\n').filter((event) => event.startsWith('data: {'));
  const pieces = events.map((event) => JSON.parse(event.slice('data: '.length)).choices[0].delta.content as string);
  return JSON.parse(pieces.join(''));
}

const server = http.createServer(async (request, response) => {
  const { parameters } = JSON.parse(await textOf(request));
  const question = JSON.stringify({ messages: [{ role: 'user', content: parameters.instructions }], stream: true });
  const answer = answerIn(await textOf(await ask(question)));
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ success: true, result: { answer } }));
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
