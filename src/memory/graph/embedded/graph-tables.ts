import { createHash } from 'node:crypto';
import type { Schema } from 'apache-arrow';
import {
  arrow,
  createScalarIndex,
  createTextIndex,
  type Database,
  type Table,
  vectorSchema,
} from '../../../lance/index.js';

const text = (name: string) => new arrow.Field(name, new arrow.Utf8(), false);
const time = (name: string, isNullable = false) => new arrow.Field(name, new arrow.Float64(), isNullable);

const episodesSchema = new arrow.Schema([
  text('id'),
  text('group_id'),
  text('content'),
  text('metadata_json'),
  time('valid_at'),
  time('created_at'),
]);
const entitiesSchema = new arrow.Schema([text('id'), text('group_id'), text('name'), time('created_at')]);
const factsSchema = new arrow.Schema([
  text('id'),
  text('group_id'),
  text('subject'),
  text('statement'),
  text('fact'),
  text('source'),
  text('relation'),
  text('target'),
  text('source_id'),
  text('target_id'),
  time('valid_at'),
  time('invalid_at', true),
  time('created_at'),
  time('expired_at', true),
  time('changed_at'),
  text('episodes_json'),
  text('metadata_json'),
]);

/**
 * A fact as it is stored. Times are epoch milliseconds. `subject` is equal for all that is said about the same relation
 * of the same source, empty for passages; `statement` for all that says the same. `changed_at` is later in each commit
 * than in the one before. `episodes_json` lists the ids of the episodes that told it, `metadata_json` is of the first.
 * @source product contract, Agents, memory; Graphiti documentation, "Custom Entity and Edge Types" (bi-temporal edges)
 */
export interface FactRow {
  id: string;
  group_id: string;
  subject: string;
  statement: string;
  fact: string;
  source: string;
  relation: string;
  target: string;
  source_id: string;
  target_id: string;
  valid_at: number;
  invalid_at: number | null;
  created_at: number;
  expired_at: number | null;
  changed_at: number;
  episodes_json: string;
  metadata_json: string;
}

/** The columns of {@link FactRow}, in order. @source LanceDB documentation, "Query" (select) */
export const factColumns = factsSchema.names as (keyof FactRow)[];

/** Vectors are derived, and belong to one model. @source product contract, Trajectories ("mixing is refused") */
export const vectorTablePrefix = 'memory_fact_vectors_';

/** @source product contract, Trajectories ("mixing is refused") */
export const factVectorSchema = (dimensions: number): Schema =>
  vectorSchema(['fact_id', 'group_id', 'model'], dimensions);

/** The tables that hold what was told. @source story-17.4 task 4; product contract, Agents, memory */
export interface GraphTables {
  episodes: Table;
  entities: Table;
  facts: Table;
}

/** Their names in the database. @source product contract, Agents, memory */
export const graphTableNames = {
  episodes: 'memory_episodes',
  entities: 'memory_entities',
  facts: 'memory_facts',
} as const satisfies Record<keyof GraphTables, string>;

/** Columns that facts are looked up by, each with an index. */
const lookedUp = ['id', 'group_id', 'subject', 'statement'];

/**
 * Opens the tables, creating them with their indexes when missing.
 * @throws Error when a stored table lacks a column
 * @source LanceDB documentation, "Scalar Index", "Full-Text Search"
 */
export async function openGraphTables(database: Database): Promise<GraphTables> {
  const episodes = await database.openTable(graphTableNames.episodes, episodesSchema);
  const entities = await database.openTable(graphTableNames.entities, entitiesSchema);
  const facts = await database.openTable(graphTableNames.facts, factsSchema);
  const indexed = (await facts.listIndices()).flatMap(({ columns }) => columns);
  for (const column of lookedUp) {
    if (!indexed.includes(column)) await createScalarIndex(facts, { column, kind: 'btree' });
  }
  if (!indexed.includes('fact')) await createTextIndex(facts, 'fact');
  return { episodes, entities, facts };
}

/**
 * A short name for a list of texts; different lists have different names.
 * @source FIPS 180-4 (SHA-256)
 */
export const hashOf = (...texts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, 32);
