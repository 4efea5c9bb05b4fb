import { expect, it } from 'vitest';
import { serveCanvases } from './served-canvases.js';

it('describes every way to edit, merge, restore, move and follow in the OpenAPI document', async () => {
  const { ask } = await serveCanvases();
  const { paths } = (await ask('GET', '/openapi.json')).json();
  const successes = (path: string) =>
    Object.fromEntries(
      Object.entries(paths[path] ?? {}).map(([method, operation]) => [
        method,
        Object.keys((operation as { responses: object }).responses).filter((status) => status < '400'),
      ]),
    );
  expect(successes('/canvas/{path}')).toEqual({
    get: ['200', '304'],
    put: ['200', '201', '202'],
    patch: ['200'],
    delete: ['204'],
  });
  for (const list of ['nodes', 'edges']) {
    expect(successes(`/canvas/{path}/${list}`)).toEqual({ post: ['201'] });
    expect(successes(`/canvas/{path}/${list}/{id}`)).toEqual({ patch: ['200'], delete: ['204'] });
  }
  expect(successes('/canvas/{path}/versions')).toEqual({ get: ['200'] });
  expect(successes('/canvas/{path}/versions/{id}')).toEqual({ get: ['200', '304'] });
  expect(successes('/canvas/{path}/versions/{id}/restore')).toEqual({ post: ['200', '201'] });
  expect(successes('/canvas/{path}/move')).toEqual({ post: ['201'] });
  expect(successes('/canvas/{path}/events')).toEqual({ get: ['200'] });
  expect(successes('/canvas/events')).toEqual({ get: ['200'] });

  const bodyTypes = (path: string, method: string) => Object.keys(paths[path][method].requestBody.content);
  expect(bodyTypes('/canvas/{path}', 'patch')).toEqual(['application/json-patch+json', 'application/merge-patch+json']);
  expect(bodyTypes('/canvas/{path}/nodes/{id}', 'patch')).toEqual(['application/merge-patch+json', 'application/json']);
  expect(bodyTypes('/canvas/{path}/nodes', 'post')).toEqual(['application/json']);
  expect(Object.keys(paths['/canvas/events'].get.responses['200'].content)).toEqual(['text/event-stream']);
  expect(Object.keys(paths['/canvas/{path}'].patch.responses['415'].content)).toEqual(['application/problem+json']);
});
