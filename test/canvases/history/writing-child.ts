/**
 * Replaces `a.canvas` in the vault of its first argument until it is killed, keeping what it replaces in the folder of
 * its second. Says the number of each version that is in the vault, as soon as what it replaced is settled.
 */
import { readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { etagOf } from '../../../src/canvases/document/etag.js';
import { openHistory } from '../../../src/canvases/history/open-history.js';

const [vault = '', folder = ''] = process.argv.slice(2);
const file = path.join(vault, 'a.canvas');
const history = await openHistory({ folder, maxVersions: 1e6, onEvent: () => {} });
for (let number = Number(readFileSync(file, 'utf8').split(' ', 1)[0]) + 1; ; number += 1) {
  const before = readFileSync(file);
  const label = { etag: etagOf(before), origin: 'api' as const, created: number };
  const held = await history.keepFile('a.canvas', file, label);
  await history.sync('a.canvas');
  writeFileSync(`${file}.new`, `${number} ${'x'.repeat(20_000)}`);
  renameSync(`${file}.new`, file);
  if (held) await history.settle(held);
  writeSync(1, `${number}\n`);
}
