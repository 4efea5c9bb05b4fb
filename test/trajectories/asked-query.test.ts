import { expect, it } from 'vitest';
import { ownSteps, shapeOf, stepNames } from '../../src/trajectories/asked-query.js';

it('a shape holds names, tests and amounts, and no value', () => {
  const secret = 'VALUE';
  const shape = shapeOf({
    filter: [
      { test: 'matches', column: 'agent_name', text: secret },
      { test: 'contains', columns: ['trajectory_id', 'data_id'], text: secret },
      { test: 'one_of', column: 'termination_reason', texts: [secret, secret] },
      { test: 'between', column: 'reward', min: 4711 },
      { test: 'is', column: 'is_success', value: true },
      { test: 'has_all', column: 'tags', texts: [secret] },
    ],
    sortBy: 'reward',
    order: 'desc',
    page: 3,
    pageSize: 20,
    fields: ['reward'],
  });
  expect(shape).toEqual({
    filters: [
      'agent_name matches',
      'trajectory_id|data_id contains',
      'termination_reason one_of 2',
      'reward between',
      'is_success is',
      'tags has_all 1',
    ],
    sort: 'reward desc',
    page: 3,
    page_size: 20,
    fields: ['reward'],
  });
  expect(JSON.stringify(shape)).not.toMatch(/VALUE|4711/);
});

it('a walk shows whether it stands somewhere, not where', () => {
  const walk = { filter: [], sortBy: 'question', order: 'asc', page: 1, pageSize: 5 } as const;
  expect(shapeOf({ ...walk, walk: {} })).toMatchObject({ walk: 'start' });
  const on = shapeOf({ ...walk, walk: { after: { seq: 12345, value: 'VALUE' } } });
  expect(on).toEqual({ filters: [], sort: 'question asc', walk: 'on', page_size: 5 });
});

it('of a plan only the names of known steps pass, whatever a value looks like', () => {
  const plan = [
    'ProjectionExec: expr=[reward@0 as reward]',
    '  Take: columns="VALUE"',
    '    SortExec: TopK(fetch=20), expr=[reward@0 DESC]',
    '      LanceRead: uri=x, full_filter=agent_name = Utf8("VALUE',
    'VALUE, and more',
    'read all VALUE',
    'take the rows of VALUE',
    '        ScalarIndexQuery: query=[agent_name = VALUE]@agent_name_idx(Bitmap)',
    ownSteps.order,
    ownSteps.take,
  ];
  expect(stepNames(plan)).toEqual([
    'ProjectionExec',
    'SortExec',
    'LanceRead',
    'ScalarIndexQuery',
    ownSteps.order,
    ownSteps.take,
  ]);
});
