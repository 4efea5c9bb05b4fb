/**
 * The table of nodes: a row for each node that says something, with a stamp. This holds after each commit: where all
 * rows of a canvas carry one ETag, they are the rows of that version; where they carry several stamps, or one that is no
 * ETag, nothing is known without looking. So a row that says the same as before is left as it is. Two handles: searches
 * see whole passes only, not the moment between putting rows in and taking others out.
 */
import {
  type Database,
  listLiteral,
  modelTableName,
  openModelTable,
  readFresh,
  retryOnConflict,
  scanBatches,
  stringLiteral,
  type Table,
  type VectorModel,
  vectorRows,
  vectorSchema,
} from '../../lance/index.js';
import type { Logger } from '../../logger.js';
import type { SaidNode } from './canvas-nodes.js';
import type { RowTexts } from './node-difference.js';

/** A node with its vector. @source product contract, Settled details (`/canvas/search`) */
export interface StoredNode extends SaidNode {
  vector: Float32Array;
}

/**
 * What becomes of the rows of one canvas.
 * - `stamp`: of the rows that are added: the ETag of the version when the rows are all that it says then; else what no
 *   canvas has for an ETag, and no other version for a stamp.
 * - `isWhole`: all rows that the canvas has go first.
 * - `removed`: ids of nodes whose rows go. `kept`: one whose row stays; undefined when there is none.
 * @source product contract, Settled details (`/canvas/search`)
 */
export interface RowsChange {
  path: string;
  stamp: string;
  isWhole: boolean;
  added: readonly StoredNode[];
  removed: readonly string[];
  kept: string | undefined;
}

/** All such tables begin so. @source product contract, Trajectories ("mixing is refused") */
export const nodeTablePrefix = 'canvas_nodes_';

/** Of a longer text, answers show the beginning. @source product contract, Promises 6 */
export const maxShownLength = 4000;

const nodeSchema = (dimensions: number) =>
  vectorSchema(['path', 'etag', 'node_id', 'text', 'text_hash', 'model'], dimensions);

/** @source product contract, Settled details (`/canvas/search`) */
export interface NodeRows {
  /** For searches; on the newest pass that was {@link publish}ed. */
  readonly shown: Table;
  /** For upkeep; on the newest commit. */
  readonly table: Table;
  /** The version that each canvas has the rows of; what is no ETag where that is not known. */
  versions(): Promise<Map<string, string>>;
  /** What the rows of some canvases say. */
  textsOf(paths: readonly string[]): Promise<Map<string, RowTexts>>;
  /** Vectors of texts that these canvases have rows of, by the hash of the text. */
  vectorsOf(paths: readonly string[], hashes: readonly string[]): Promise<Map<string, Float32Array>>;
  /** Changes the rows of some canvases. Broken off anywhere, the rule above still holds. */
  change(changes: readonly RowsChange[]): Promise<void>;
  /** Versions of the table on disk. */
  countVersions(): Promise<number>;
  /** Lets searches see what was committed. */
  publish(): Promise<void>;
  close(): void;
}

/**
 * Opens the table of this model, empty when it was not there or could not be trusted.
 * @source product contract, Trajectories ("the model's name and size are stored, mixing is refused")
 */
export async function openNodeRows(database: Database, model: VectorModel, logger: Logger): Promise<NodeRows> {
  const { dimensions } = model;
  const options = { prefix: nodeTablePrefix, schema: nodeSchema(dimensions), logger };
  const table = await openModelTable(database, model, options);
  const shown = await openModelTable(database, model, options);

  const remove = (where: string) => retryOnConflict(() => table.delete(where));

  async function texts(paths: readonly string[], columns: string[]): Promise<string[][]> {
    const query = () =>
      table
        .query()
        .where(`path IN ${listLiteral(paths)}`)
        .select(columns)
        .toArrow();
    const found = await readFresh(table, query);
    const values = columns.map((name) => found.getChild(name));
    return Array.from({ length: found.numRows }, (_, i) => values.map((column) => String(column?.get(i))));
  }

  async function add(rows: readonly (StoredNode & { path: string; stamp: string })[]): Promise<void> {
    const columns = {
      path: rows.map(({ path }) => path),
      etag: rows.map(({ stamp }) => stamp),
      node_id: rows.map(({ nodeId }) => nodeId),
      text: rows.map(({ text }) => beginningOf(text)),
      text_hash: rows.map(({ textHash }) => textHash),
      model: rows.map(() => model.model),
    };
    const vectors = rows.map(({ vector }) => vector);
    await table.add(vectorRows(columns, vectors, dimensions));
  }

  return {
    table,
    shown,
    async versions() {
      const versions = new Map<string, string>();
      for await (const batch of scanBatches(table.query().select(['path', 'etag']))) {
        const [paths, etags] = [batch.getChild('path'), batch.getChild('etag')];
        for (let i = 0; i < batch.numRows; i++) {
          const [path, etag] = [String(paths?.get(i)), String(etags?.get(i))];
          versions.set(path, (versions.get(path) ?? etag) === etag ? etag : severalStamps);
        }
      }
      return versions;
    },
    async textsOf(paths) {
      const found = new Map<string, { hashes: Map<string, string>; isTorn: boolean }>();
      if (paths.length === 0) return found;
      for (const [path, nodeId, hash] of await texts(paths, ['path', 'node_id', 'text_hash'])) {
        const known = found.get(path!) ?? { hashes: new Map(), isTorn: false };
        known.isTorn ||= known.hashes.has(nodeId!);
        found.set(path!, known);
        known.hashes.set(nodeId!, hash!);
      }
      return found;
    },
    async vectorsOf(paths, hashes) {
      const where = `path IN ${listLiteral(paths)} AND text_hash IN ${listLiteral(hashes)}`;
      const query = () => table.query().where(where).select(['text_hash', 'vector']).toArrow();
      const found = await readFresh(table, query);
      const [hash, vector] = [found.getChild('text_hash'), found.getChild('vector')];
      return new Map(Array.from({ length: found.numRows }, (_, i) => [String(hash?.get(i)), copyOf(vector?.get(i))]));
    },
    async change(changes) {
      const whole = changes.filter(({ isWhole }) => isWhole);
      if (whole.length > 0) await remove(`path IN ${listLiteral(whole.map(({ path }) => path))}`);
      const fewer = changes.filter(({ isWhole, removed }) => !isWhole && removed.length > 0);
      const unmarked = fewer.filter(({ added, kept }) => added.length === 0 && kept !== undefined);
      if (unmarked.length > 0) {
        const where = anyOf(unmarked.map(({ path, kept = '' }) => rowsWhere(path, [kept])));
        await retryOnConflict(() => table.update({ where, values: { etag: severalStamps } }));
      }
      const rows = changes.flatMap(({ path, stamp, added }) => added.map((node) => ({ path, stamp, ...node })));
      if (rows.length > 0) await add(rows);
      const gone = fewer.map(({ path, stamp, removed }) => ({ stamp, where: rowsWhere(path, removed) }));
      if (gone.length > 0) {
        const paths = listLiteral(fewer.map(({ path }) => path));
        const each = gone.map(({ stamp, where }) => `(${where} AND etag <> ${stringLiteral(stamp)})`);
        await remove(`path IN ${paths} AND (${anyOf(each)})`);
      }
    },
    countVersions: () => database.countVersions(modelTableName(nodeTablePrefix, model)),
    publish: () => shown.checkoutLatest(),
    close() {
      table.close();
      shown.close();
    },
  };
}

/** No canvas has it for an ETag. */
const severalStamps = '';

const rowsWhere = (path: string, nodeIds: readonly string[]) =>
  `path = ${stringLiteral(path)} AND node_id IN ${listLiteral(nodeIds)}`;
const anyOf = (conditions: readonly string[]) => conditions.map((each) => `(${each})`).join(' OR ');

const copyOf = (vector: { toArray(): Float32Array }) => vector.toArray().slice();

/** Never ends within a character. */
function beginningOf(text: string): string {
  const cut = text.slice(0, maxShownLength);
  return /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
}
