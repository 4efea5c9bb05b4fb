import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CanvasChange, createChangeLog, isChangeId } from '../../../src/canvases/changes/change-log.js';
import { createLogger } from '../../../src/logger.js';

const change = (path: string, more: Partial<CanvasChange> = {}): Omit<CanvasChange, 'id'> => ({
  path,
  etag: '"a"',
  kind: 'changed',
  origin: 'api',
  ...more,
});

test('whoever names the last event it saw gets exactly what came after, of its canvas or of all', () => {
  const path = fc.constantFrom('a.canvas', 'b.canvas', 'c/d.canvas');
  const step = fc.record({ path, from: fc.option(path, { nil: undefined }), kind: fc.constant('changed' as const) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (steps, capacity) => {
      const log = createChangeLog({ capacity });
      const start = log.position();
      const published: CanvasChange[] = [];
      const told: CanvasChange[] = [];
      log.subscribe((told_) => told.push(told_));
      for (const { path, from, kind } of steps) {
        published.push(log.publish(change(path, { kind, ...(from === undefined ? {} : { from }) })));
      }
      expect(told).toEqual(published);
      expect(new Set(published.map(({ id }) => id)).size).toBe(published.length);
      const ids = [start, ...published.map(({ id }) => id)];
      for (const [index, id] of ids.entries()) {
        const missed = published.slice(index);
        const isRemembered = missed.length <= capacity;
        expect(log.since(id)).toEqual(isRemembered ? missed : 'reset');
        for (const canvas of ['a.canvas', 'z.canvas']) {
          const own = missed.filter(({ path, from }) => path === canvas || from === canvas);
          expect(log.since(id, canvas)).toEqual(isRemembered ? own : 'reset');
        }
      }
    }),
    { numRuns: 200, seed: 3 },
  );
});

test.each([
  ['nonsense', () => 'nonsense'],
  ['nothing', () => ''],
  ['an id of another run', () => createChangeLog().position()],
  ['an id of the future', (position: string) => position.replace(/\d+$/, '99')],
  ['a negative number', (position: string) => position.replace(/\d+$/, '-1')],
  ['a number with junk', (position: string) => `${position}x`],
])('%s is answered with a reset', (_name, idFrom) => {
  const log = createChangeLog();
  log.publish(change('a.canvas'));
  expect(log.since(idFrom(log.position()))).toBe('reset');
});

test('ids of this and other runs have the form of ids, other texts do not', () => {
  const log = createChangeLog();
  expect(isChangeId(log.position())).toBe(true);
  expect(isChangeId(log.publish(change('a.canvas')).id)).toBe(true);
  for (const text of ['', '1', 'x-1', `${log.position()}\n`, `${log.position()} `, '0123456789ab-01']) {
    expect(isChangeId(text)).toBe(false);
  }
});

test('what is remembered is bounded by bytes too, and the newest change is always there', () => {
  const log = createChangeLog({ capacity: 1000, maxBytes: 4096 });
  const start = log.position();
  const published = Array.from({ length: 50 }, (_, i) => log.publish(change(`${'x'.repeat(300)}${i}.canvas`)));
  expect(log.since(start)).toBe('reset');
  expect(log.since(published.at(-2)?.id ?? '')).toEqual(published.slice(-1));
  expect(log.since(published.at(-5)?.id ?? '')).toEqual(published.slice(-4));
  expect(log.since(published.at(-7)?.id ?? '')).toBe('reset');
  const huge = log.publish(change(`${'x'.repeat(4000)}.canvas`));
  expect(log.since(published.at(-1)?.id ?? '')).toEqual([huge]);
  expect(() => createChangeLog({ capacity: 0 })).toThrow(RangeError);
});

test('a follower of one canvas hears of it alone, a move from either side once, and nothing after it left', () => {
  const log = createChangeLog();
  const heard: string[] = [];
  const leave = log.subscribe(({ kind, path }) => heard.push(`a: ${kind} ${path}`), 'a.canvas');
  log.subscribe(({ kind, path }) => heard.push(`b: ${kind} ${path}`), 'b.canvas');
  log.publish(change('a.canvas'));
  log.publish(change('c.canvas'));
  log.publish(change('b.canvas', { kind: 'moved', from: 'a.canvas' }));
  log.publish(change('b.canvas', { kind: 'moved', from: 'b.canvas' }));
  leave();
  leave();
  log.publish(change('a.canvas', { kind: 'deleted', etag: null }));
  expect(heard).toEqual(['a: changed a.canvas', 'b: moved b.canvas', 'a: moved b.canvas', 'b: moved b.canvas']);
});

test('a listener that throws is logged and keeps neither the writer nor the others from going on', () => {
  const lines: string[] = [];
  const logger = createLogger('error', { write: (line) => lines.push(line) });
  const log = createChangeLog({ logger });
  const heard: string[] = [];
  log.subscribe(() => {
    throw new Error('broken listener');
  });
  log.subscribe(({ path }) => heard.push(path));
  log.publish(change('a.canvas'));
  expect(heard).toEqual(['a.canvas']);
  expect(lines.join('')).toContain('broken listener');
});

test('one function may follow twice, and each subscription ends alone', () => {
  const log = createChangeLog();
  let heard = 0;
  const listener = () => {
    heard += 1;
  };
  const leave = log.subscribe(listener);
  log.subscribe(listener);
  log.publish(change('a.canvas'));
  leave();
  log.publish(change('a.canvas'));
  expect(heard).toBe(3);
});
