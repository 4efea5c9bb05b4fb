import { type BasicType, ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import type { ExportFile } from './export-format.js';
import { type CellType, tableColumn, tableFields, wholeRowField } from './export-row.js';

/** What is added at once is a row group: few and large ones keep the file's directory small. */
const rowsAtOnce = 2048;

const types: Record<CellType, { type: BasicType; nullable: boolean }> = {
  text: { type: 'STRING', nullable: false },
  'optional text': { type: 'STRING', nullable: true },
  number: { type: 'DOUBLE', nullable: false },
  integer: { type: 'INT32', nullable: false },
  flag: { type: 'BOOLEAN', nullable: false },
};

/** Hands on what was written and keeps none of it; offsets go on counting. */
class PassingWriter extends ByteWriter {
  take(): Uint8Array {
    const bytes = this.getBytes().slice();
    this.index = 0;
    return bytes;
  }
}

/**
 * Typed columns, snappy-compressed; without `fields` the last column holds the whole row as JSON text.
 * @source Apache Parquet, "File Format"
 */
export function parquetFile(fields: readonly string[] = [...tableFields, wholeRowField]): ExportFile {
  const columns = fields.map(tableColumn);
  const writer = new PassingWriter();
  const typed = columns.map(({ name, type }) => ({ name, ...types[type] }));
  const schema = schemaFromColumnData({ columnData: typed.map((column) => ({ ...column, data: [] })) });
  const file = new ParquetWriter({ writer, schema, createdBy: 'canvas-learning-backend' });
  return {
    needs: [...new Set(columns.flatMap((column) => column.needs))],
    rowsAtOnce,
    start: () => writer.take(),
    add(rows) {
      if (rows.length === 0) return new Uint8Array(0);
      const columnData = columns.map((column) => ({
        name: column.name,
        data: rows.map((row) => column.cell(row)),
        offsetIndex: false,
        // Long texts never repeat: looking for that would be most of the work.
        ...(column.name === wholeRowField ? { encoding: 'PLAIN' as const, statistics: false } : {}),
      }));
      file.write({ columnData, rowGroupSize: rows.length });
      return writer.take();
    },
    end() {
      file.finish();
      return writer.take();
    },
  };
}
