import type { Table as ArrowTable, Field, FixedSizeList, Schema } from 'apache-arrow';
import { arrow } from '../arrow.js';
import { textColumn } from './text-column.js';

/**
 * Columns of texts, and behind them one called `vector`; none of them is ever null.
 * @source Apache Arrow JS documentation (FixedSizeList)
 */
export function vectorSchema(texts: readonly string[], dimensions: number): Schema {
  const vector = new arrow.FixedSizeList(dimensions, new arrow.Field('item', new arrow.Float32(), true));
  return new arrow.Schema([
    ...texts.map((name) => new arrow.Field(name, new arrow.Utf8(), false)),
    new arrow.Field('vector', vector, false) as Field,
  ]);
}

/**
 * Rows of such a schema, ready to be added to a table in one commit.
 * @param texts the values of each column, all as many as there are vectors
 * @throws Error for a vector of another length
 * @source Apache Arrow JS documentation (makeData)
 */
export function vectorRows(
  texts: Readonly<Record<string, readonly string[]>>,
  vectors: readonly Float32Array[],
  dimensions: number,
): ArrowTable {
  const schema = vectorSchema(Object.keys(texts), dimensions);
  const { length } = vectors;
  const numbers = new Float32Array(length * dimensions);
  for (const [i, vector] of vectors.entries()) {
    if (vector.length !== dimensions) throw new Error(`expected a vector of ${dimensions}, got ${vector.length}`);
    numbers.set(vector, i * dimensions);
  }
  const child = arrow.makeData({ type: new arrow.Float32(), length: numbers.length, nullCount: 0, data: numbers });
  const children = [
    ...Object.values(texts).map(textColumn),
    arrow.makeData({ type: schema.fields.at(-1)!.type as FixedSizeList, length, nullCount: 0, child }),
  ];
  const data = arrow.makeData({ type: new arrow.Struct(schema.fields), length, nullCount: 0, children });
  return new arrow.Table(schema, new arrow.RecordBatch(schema, data));
}
