import type { Data, Table, Utf8 } from 'apache-arrow';
import { arrow } from '../../lance/index.js';
import { analysisSchema } from '../trajectory-schema.js';
import type { AnalysisRow } from './analysis.js';

/**
 * Builds the columns by hand: several times cheaper than handing objects over, since nothing is dispatched per value.
 * @returns the rows as an Arrow table of the schema of `analysis`
 * @source Apache Arrow JS documentation (makeData)
 */
export function analysisTable(rows: readonly AnalysisRow[]): Table {
  const { length } = rows;
  const children = analysisSchema.fields.map(({ name, type }): Data => {
    const value = (i: number) => rows[i]![name as keyof AnalysisRow];
    if (type instanceof arrow.Utf8) return texts(length, value as (i: number) => string);
    if (type instanceof arrow.Float64) {
      const data = Float64Array.from({ length }, (_, i) => value(i) as number);
      return arrow.makeData({ type, length, nullCount: 0, data });
    }
    if (type instanceof arrow.Bool)
      return arrow.makeData({ type, length, nullCount: 0, data: bits(length, (i) => value(i) === true) });
    throw new TypeError(`expected a column of a known type, got ${type} for "${name}"`);
  });
  const data = arrow.makeData({ type: new arrow.Struct(analysisSchema.fields), length, nullCount: 0, children });
  return new arrow.Table(analysisSchema, new arrow.RecordBatch(analysisSchema, data));
}

function texts(length: number, value: (i: number) => string): Data<Utf8> {
  const valueOffsets = new Int32Array(length + 1);
  const parts = Array.from({ length }, (_, i) => {
    const bytes = Buffer.from(value(i));
    valueOffsets[i + 1] = valueOffsets[i]! + bytes.length;
    return bytes;
  });
  return arrow.makeData({ type: new arrow.Utf8(), length, nullCount: 0, valueOffsets, data: Buffer.concat(parts) });
}

function bits(length: number, value: (i: number) => boolean): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(length / 8));
  for (let i = 0; i < length; i++) if (value(i)) bytes[i >> 3]! |= 1 << (i & 7);
  return bytes;
}
