import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

// A process of its own: answers `/canvas/{name}` with a constant Buffer, the bytes that the file of that name had at the
// start. This is what `node:http` costs with nothing on top. The folder is its argument.
const folder = process.argv[2] as string;
const answers = new Map(
  readdirSync(folder).map((name) => {
    const body = readFileSync(path.join(folder, name));
    return [
      `/canvas/${name}`,
      { body, headers: { 'content-type': 'application/json', 'content-length': body.length } },
    ];
  }),
);

const server = http.createServer((request, response) => {
  const answer = answers.get(request.url ?? '');
  response.writeHead(answer ? 200 : 404, answer?.headers);
  response.end(answer?.body);
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
