import path from 'node:path';
import { expect, test } from 'vitest';
import { startChild } from '../../bench/support/child.js';
import { temporaryFolder } from '../support/folder.js';

const announce = "process.stdout.write('listening at http://127.0.0.1:1234\\n');";
const stayAlive = 'setInterval(() => {}, 1000);';

async function child(program: string, environment: Record<string, string> = {}) {
  const logFile = path.join(await temporaryFolder(), 'child.log');
  return startChild({ nodeArguments: ['-e', program], environment, logFile });
}

test('the address comes from what the child prints, and the child ends when it is told to', async () => {
  const server = await child(`process.on('SIGTERM', () => process.exit(0)); ${stayAlive} ${announce}`);
  expect(server.origin).toBe('http://127.0.0.1:1234');
  await server.stop();
  expect(() => process.kill(server.pid, 0)).toThrow();
});

test('a child that ends before it listens is told with the end of its log', async () => {
  const failing = "process.stderr.write('PORT: expected a port number\\n'); process.exit(1);";
  await expect(child(failing)).rejects.toThrow('PORT: expected a port number');
});

test('a child that fails while it stops is an error', async () => {
  const server = await child(`process.on('SIGTERM', () => process.exit(3)); ${stayAlive} ${announce}`);
  await expect(server.stop()).rejects.toThrow('ended with 3');
});

test('a killed child gets no chance to finish', async () => {
  const server = await child(`process.on('SIGTERM', () => {}); ${stayAlive} ${announce}`);
  await server.kill();
  expect(() => process.kill(server.pid, 0)).toThrow();
});

test('the child sees the variables it is given and none of ours', async () => {
  process.env.BENCH_TEST_SECRET = 'seen';
  const program = `process.on('SIGTERM', () => process.exit(process.env.BENCH_TEST_SECRET ? 4 : process.env.GIVEN ? 0 : 5));
    ${stayAlive} ${announce}`;
  const server = await child(program, { GIVEN: 'yes' });
  delete process.env.BENCH_TEST_SECRET;
  await server.stop();
});
