import type { OpenApiDocument, Operation } from './openapi-document.js';

/** Files of a page for people; programs have no use for them. */
const isPage = (path: string) => path === '/dashboard' || path.startsWith('/dashboard/');

/** What a good answer is, where it is not read as a whole. */
function kindOf({ responses = {} }: Operation): string {
  const content = responses[200]?.content ?? {};
  if ('text/event-stream' in content) return ", 'events'";
  return Object.values(content).some(({ schema }) => schema?.format === 'binary') ? ", 'bytes'" : '';
}

/**
 * The table that the client works from, as TypeScript: method, path and kind of answer of each operation, by tag and name.
 * @source OpenAPI 3.1, Paths Object
 */
export function operationsTable(document: OpenApiDocument): string {
  const groups = new Map<string, string[]>();
  for (const [path, methods] of Object.entries(document.paths)) {
    if (isPage(path)) continue;
    for (const [method, operation] of Object.entries(methods)) {
      const group = operation.tags?.[0] ?? 'other';
      const line = `    ${operation.operationId}: ['${method.toUpperCase()}', '${path}'${kindOf(operation)}],`;
      groups.set(group, [...(groups.get(group) ?? []), line]);
    }
  }
  const sections = [...groups].map(([group, lines]) => `  ${group}: {\n${lines.join('\n')}\n  },`);
  return `/**
 * Where each operation is, by the tag and the name that the OpenAPI document gives it. Written by \`npm run openapi\`.
 * @source OpenAPI 3.1, Paths Object
 */
export const operations = {
${sections.join('\n')}
} as const;
`;
}
