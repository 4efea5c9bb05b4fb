/** The ids in a stored record's text. @source product contract, Trajectories ("Record") */
export interface RecordIds {
  trajectoryId: string;
  dataId: string;
}

const first = Buffer.from('{"trajectory_id":');
const second = Buffer.from(',"data_id":');
const quote = 0x22;
const backslash = 0x5c;

/**
 * Reads the ids from the beginning of a record's text, where they stand, without parsing the rest; a text that begins
 * otherwise is parsed. An id that is not there is "".
 * @param record JSON text in UTF-8
 * @source product contract, Trajectories ("Record"); RFC 8259
 */
export function recordIds(record: Uint8Array): RecordIds {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  const trajectoryEnd = textEnd(bytes, 0, first);
  const dataEnd = trajectoryEnd === -1 ? -1 : textEnd(bytes, trajectoryEnd, second);
  if (dataEnd !== -1) {
    const [trajectoryId, dataId] = [
      bytes.toString('utf8', first.length, trajectoryEnd),
      bytes.toString('utf8', trajectoryEnd + second.length, dataEnd),
    ].map((text) => JSON.parse(text) as string);
    return { trajectoryId: trajectoryId!, dataId: dataId! };
  }
  const whole = JSON.parse(bytes.toString('utf8')) as { trajectory_id?: string; data_id?: string };
  return { trajectoryId: whole.trajectory_id ?? '', dataId: whole.data_id ?? '' };
}

/** Where the text ends that follows the name at `from`; -1 when the name is another or no text follows. */
function textEnd(bytes: Buffer, from: number, name: Buffer): number {
  const start = from + name.length;
  if (!bytes.subarray(from, start).equals(name) || bytes[start] !== quote) return -1;
  for (let i = start + 1; i < bytes.length; i++) {
    if (bytes[i] === backslash) i += 1;
    else if (bytes[i] === quote) return i + 1;
  }
  return -1;
}
