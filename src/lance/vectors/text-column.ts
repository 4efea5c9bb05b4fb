import type { Data, Utf8 } from 'apache-arrow';
import { arrow } from '../arrow.js';

/**
 * A column of texts, none of them null. The library's own builder asks an encoder for each text and grows as it goes,
 * which was among the longest holds of the event loop.
 * @param texts half a surrogate pair becomes U+FFFD
 * @source Apache Arrow, "Columnar Format", variable-size binary layout
 */
export function textColumn(texts: readonly string[]): Data<Utf8> {
  const valueOffsets = new Int32Array(texts.length + 1);
  let length = 0;
  for (const [i, text] of texts.entries()) {
    length += Buffer.byteLength(text);
    valueOffsets[i + 1] = length;
  }
  const data = Buffer.allocUnsafeSlow(length);
  for (const [i, text] of texts.entries()) data.write(text, valueOffsets[i] as number);
  return arrow.makeData({ type: new arrow.Utf8(), length: texts.length, nullCount: 0, valueOffsets, data });
}
