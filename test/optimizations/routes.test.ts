import { expect, it } from 'vitest';
import { optimizationRoutes } from '../../src/optimizations/index.js';
import { startTestServer } from '../support/server.js';
import { openTestFlags } from './open-test-flags.js';

async function serve(text: string) {
  const opened = await openTestFlags(text);
  return { ...opened, server: await startTestServer([optimizationRoutes(opened.flags)]) };
}

it('GET /admin/flags answers every flag and the master switch, never from a cache', async () => {
  const { server, flags } = await serve('canvas_cache: {enabled: false}\n');
  const answer = await server.inject('/admin/flags');
  expect(answer.statusCode).toBe(200);
  expect(answer.headers['cache-control']).toBe('no-store');
  expect(answer.json()).toEqual({ flags: flags.list() });
  expect(answer.json().flags.canvas_cache).toMatchObject({ enabled: false, effective: false });
  expect(answer.json().flags.all).toMatchObject({ enabled: true, effective: true });
});

it('POST /admin/reload reads the file at once and names what changed', async () => {
  const { server, write } = await serve('enabled: true\n');
  write('fast_json: {enabled: false}\n');
  const answer = await server.inject({ method: 'POST', url: '/admin/reload' });
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toMatchObject({ changed: ['fast_json'], flags: { fast_json: { effective: false } } });
});

it('POST /admin/reload on a bad file is 422 with each fault, and changes nothing', async () => {
  const { server, write, file, flags } = await serve('enabled: true\n');
  write('enabled: nope\nfast_jsom: {}\n');
  const answer = await server.inject({ method: 'POST', url: '/admin/reload' });
  expect(answer.statusCode).toBe(422);
  expect(answer.headers['content-type']).toContain('application/problem+json');
  expect(answer.json()).toMatchObject({
    code: 'OPTIMIZATION_CONFIG_INVALID',
    errors: [
      { pointer: '/enabled', message: 'expected true or false, got "nope" (line 1)' },
      { pointer: '/fast_jsom', message: 'unknown key, did you mean "fast_json"? (line 2)' },
    ],
  });
  expect(answer.body).not.toContain(file);
  expect(flags.list().all.effective).toBe(true);
});

it('an unknown query parameter is 400', async () => {
  const { server } = await serve('enabled: true\n');
  expect((await server.inject('/admin/flags?x=1')).statusCode).toBe(400);
  expect((await server.inject({ method: 'POST', url: '/admin/reload?force=1' })).statusCode).toBe(400);
});
