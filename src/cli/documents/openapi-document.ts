import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { buildApp } from '../../app.js';
import { createLogger } from '../../logger.js';
import { readSettings } from '../../settings.js';

/** One operation, as far as it is looked at here. @source OpenAPI 3.1, Operation Object */
export interface Operation {
  operationId: string;
  tags?: string[];
  responses?: Record<string, { content?: Record<string, { schema?: { format?: string } }> }>;
}

/** @source OpenAPI 3.1, Paths Object */
export interface OpenApiDocument {
  paths: Record<string, Record<string, Operation>>;
}

/**
 * The document as the running service answers it at `/openapi.json`: the whole product is built on an empty folder, and
 * taken down again.
 * @param root of the repository, whose flags are used
 * @source product contract, HTTP ("Every route is in the OpenAPI 3.1 document"), Settled details ("The committed document")
 */
export async function openApiDocument(root: string, version: string): Promise<OpenApiDocument> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'clb-openapi-'));
  try {
    const settings = readSettings({
      DATA_DIR: folder,
      OPTIMIZATION_CONFIG: path.join(root, 'config/optimization.yaml'),
    });
    const app = await buildApp(settings, createLogger('silent'), version);
    try {
      const answer = await app.server.inject('/openapi.json');
      return answer.json();
    } finally {
      await app.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The document as it is committed. @source product contract, Settled details ("The committed document") */
export const openApiText = (document: OpenApiDocument): string => `${JSON.stringify(document, null, 2)}\n`;
