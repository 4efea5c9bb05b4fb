/** Reads CSV as RFC 4180 has it: the cells of each record, and whether each was quoted. Made for tests, so it trusts nothing. */
export function csvRecords(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  let i = 0;
  while (i < text.length) {
    let cell = '';
    if (text[i] === '"') {
      for (i += 1; ; i++) {
        if (i >= text.length) throw new Error('a quoted cell does not end');
        if (text[i] !== '"') cell += text[i];
        else if (text[i + 1] === '"') {
          cell += '"';
          i += 1;
        } else break;
      }
      i += 1;
    } else {
      for (; i < text.length && text[i] !== ',' && text[i] !== '\r'; i++) {
        if (text[i] === '\n' || text[i] === '"') throw new Error(`a bare ${JSON.stringify(text[i])} in a cell`);
        cell += text[i];
      }
    }
    record.push(cell);
    if (text[i] === ',') i += 1;
    else if (text.startsWith('\r\n', i)) {
      i += 2;
      records.push(record);
      record = [];
    } else throw new Error(`expected a comma or the end of the line at ${i}`);
    if (text[i - 1] === ',' && i === text.length) record.push('');
  }
  return records;
}
