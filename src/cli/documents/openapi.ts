import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openApiDocument, openApiText } from './openapi-document.js';
import { operationsTable } from './operations-table.js';

// `npm run openapi`: writes down what the service answers at /openapi.json, and where the client finds each operation.
const root = fileURLToPath(new URL('../../..', import.meta.url));
const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as { version: string };
const document = await openApiDocument(root, version);
await writeFile(path.join(root, 'docs/openapi.json'), openApiText(document));
await writeFile(path.join(root, 'src/client/operations.ts'), operationsTable(document));
process.stdout.write('written: docs/openapi.json, src/client/operations.ts\n');
