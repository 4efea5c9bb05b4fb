import net, { type AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { type Connection, openConnection } from '../../bench/support/connection.js';

const body = Buffer.from('{"text":"修订"}');
const head = (status: string, length: number) => `HTTP/1.1 ${status}\r\nContent-Length: ${length}\r\n\r\n`;

/** A server that answers every request with the given pieces, one write each, and a connection to it. */
async function connectionTo(
  pieces: (string | Buffer)[],
  expected: { status?: number; body?: Buffer } = {},
): Promise<Connection> {
  const server = net.createServer((socket) => {
    socket.setNoDelay(true);
    socket.on('data', async () => {
      for (const piece of pieces) {
        if (piece === 'end') socket.destroy();
        else await new Promise((resolve) => socket.write(piece, resolve));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const connection = await openConnection({ url: `http://127.0.0.1:${port}/x`, status: 200, body, ...expected });
  onTestFinished(() => {
    connection.close();
    server.close();
  });
  return connection;
}

test('a right answer is taken however it is cut, time after time on one connection', async () => {
  const text = Buffer.concat([Buffer.from(head('200 OK', body.length)), body]);
  const whole = await connectionTo([text]);
  const cut = await connectionTo([text.subarray(0, 20), text.subarray(20, 50), text.subarray(50)]);
  for (let i = 0; i < 3; i++) {
    expect(await whole.exchange()).toBeGreaterThan(0);
    expect(await cut.exchange()).toBeGreaterThan(0);
  }
});

test('an answer without a body is whole after its head', async () => {
  const connection = await connectionTo(['HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'], {
    status: 304,
    body: Buffer.alloc(0),
  });
  expect(await connection.exchange()).toBeGreaterThan(0);
});

test('another status is refused', async () => {
  const connection = await connectionTo([head('500 Oops', body.length), body]);
  await expect(connection.exchange()).rejects.toThrow('expected status 200');
});

test('other bytes of the same length are refused', async () => {
  const other = Buffer.from(body).fill('x', 3, 4);
  const connection = await connectionTo([head('200 OK', body.length), other]);
  await expect(connection.exchange()).rejects.toThrow('other bytes');
});

test('another length is refused', async () => {
  const connection = await connectionTo([head('200 OK', body.length - 1), body.subarray(1)]);
  await expect(connection.exchange()).rejects.toThrow(`a length of ${body.length - 1}`);
});

test('bytes after the end of the answer are refused', async () => {
  const connection = await connectionTo([Buffer.concat([Buffer.from(head('200 OK', body.length)), body, body])]);
  await expect(connection.exchange()).rejects.toThrow('other bytes');
});

test('a connection that ends in the middle of an answer is an error', async () => {
  const connection = await connectionTo([head('200 OK', body.length), body.subarray(0, 4), 'end']);
  await expect(connection.exchange()).rejects.toThrow();
});
