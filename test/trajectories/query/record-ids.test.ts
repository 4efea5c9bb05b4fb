import fc from 'fast-check';
import { expect, test } from 'vitest';
import { recordIds } from '../../../src/trajectories/query/record-ids.js';
import { hostileText } from '../../support/hostile-text.js';

test('ids are read from any record, whatever they hold and wherever they stand', () => {
  const text = fc.oneof(hostileText, fc.string({ unit: 'grapheme' }));
  fc.assert(
    fc.property(text, text, fc.jsonValue(), (trajectory_id, data_id, rest) => {
      const wanted = { trajectoryId: trajectory_id, dataId: data_id };
      const records = [
        { trajectory_id, data_id, rest },
        { rest, trajectory_id, data_id },
        { trajectory_id, rest, data_id },
      ];
      for (const record of records) {
        expect(recordIds(Buffer.from(JSON.stringify(record)))).toEqual(wanted);
      }
    }),
    { seed: 5 },
  );
});

test('an id that is missing is empty', () => {
  expect(recordIds(Buffer.from('{}'))).toEqual({ trajectoryId: '', dataId: '' });
  expect(recordIds(Buffer.from('{"trajectory_id":"a"}'))).toEqual({ trajectoryId: 'a', dataId: '' });
});
