import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openApiDocument, openApiText } from '../../src/cli/documents/openapi-document.js';
import { operationsTable } from '../../src/cli/documents/operations-table.js';
import { readText } from '../architecture/repository.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The first line that is not the same: a whole document would say less. */
function firstDifference(committed: string, made: string) {
  const [before, after] = [committed.split('\n'), made.split('\n')];
  const line = after.findIndex((text, index) => text !== before[index]);
  if (line === -1 && before.length === after.length) return undefined;
  const at = line === -1 ? after.length : line;
  return { line: at + 1, committed: before[at], made: after[at] };
}

describe('npm run openapi', () => {
  it('has been run since the routes were changed last', async () => {
    const { version } = JSON.parse(readText('package.json'));
    const document = await openApiDocument(root, version);
    const again = 'out of date: npm run openapi';
    const difference = firstDifference(readText('docs/openapi.json'), openApiText(document));
    expect(difference, `docs/openapi.json is ${again}`).toBeUndefined();
    expect(readText('src/client/operations.ts'), `src/client/operations.ts is ${again}`).toBe(
      operationsTable(document),
    );
  });

  it('tells streams of events and of bytes from answers that are read whole, and leaves pages out', () => {
    const answers = (content: Record<string, object>) => ({ responses: { 200: { content } } });
    const text = operationsTable({
      paths: {
        '/a/{id}': { get: { operationId: 'getA', tags: ['things', 'more'], ...answers({ 'application/json': {} }) } },
        '/a/events': { get: { operationId: 'followA', tags: ['things'], ...answers({ 'text/event-stream': {} }) } },
        '/b': {
          get: {
            operationId: 'exportB',
            tags: ['files'],
            ...answers({ 'text/csv': { schema: { format: 'binary' } } }),
          },
          delete: { operationId: 'deleteB' },
        },
        '/dashboard': { get: { operationId: 'page', tags: ['things'] } },
        '/dashboard/x.js': { get: { operationId: 'script', tags: ['things'] } },
      },
    });
    expect(text.slice(text.indexOf('export'))).toBe(`export const operations = {
  things: {
    getA: ['GET', '/a/{id}'],
    followA: ['GET', '/a/events', 'events'],
  },
  files: {
    exportB: ['GET', '/b', 'bytes'],
  },
  other: {
    deleteB: ['DELETE', '/b'],
  },
} as const;
`);
  });
});
