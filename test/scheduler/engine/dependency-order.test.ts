import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Problem } from '../../../src/errors.js';
import { dependencyOrder } from '../../../src/scheduler/engine/dependency-order.js';

const tasks = (list: Record<string, string[]>) => Object.entries(list).map(([id, dependsOn]) => ({ id, dependsOn }));
const problemOf = (list: { id: string; dependsOn: string[] }[]): Problem => {
  try {
    dependencyOrder(list);
  } catch (error) {
    return error as Problem;
  }
  throw new Error('expected a problem');
};

describe('the order of tasks', () => {
  it('keeps to what was given where nothing depends on anything', () => {
    expect(dependencyOrder(tasks({ b: [], a: [], c: [] })).map(({ id }) => id)).toEqual(['b', 'a', 'c']);
  });

  it('has every task after all that it depends on, named twice or not', () => {
    const order = dependencyOrder(tasks({ d: ['b', 'c', 'b'], c: ['a'], b: ['a'], a: [] })).map(({ id }) => id);
    expect(order).toEqual(['a', 'c', 'b', 'd']);
  });

  it.each([
    [{ a: ['a'] }, 'got "a" -> "a"'],
    [{ x: ['a'], a: ['b'], b: ['c'], c: ['a'] }, 'got "a" -> "b" -> "c" -> "a"'],
  ])('names the circle in %j', (list, message) => {
    const problem = problemOf(tasks(list));
    expect(problem).toMatchObject({ code: 'JOB_DEPENDENCY_CYCLE', kind: 'unprocessable' });
    expect(problem.message).toContain(message);
  });

  it('shortens a long circle', () => {
    const long = Array.from({ length: 500 }, (_, i) => ({ id: `t${i}`, dependsOn: [`t${(i + 1) % 500}`] }));
    expect(problemOf(long).message.length).toBeLessThan(200);
  });

  it('refuses unknown names and names given twice', () => {
    expect(problemOf(tasks({ a: [], b: ['z'] }))).toMatchObject({
      code: 'JOB_DEPENDENCY_UNKNOWN',
      faults: [
        { pointer: '/tasks/1/depends_on', message: 'expected task "b" to depend on tasks of the same job, got "z"' },
      ],
    });
    const twice = [
      { id: 'a', dependsOn: [] },
      { id: 'a', dependsOn: [] },
    ];
    expect(problemOf(twice)).toMatchObject({ code: 'JOB_TASK_ID_TAKEN', kind: 'unprocessable' });
  });

  it('is an order for every graph without a circle, and a circle for every other', () => {
    const graph = fc
      .integer({ min: 1, max: 12 })
      .chain((size) => fc.array(fc.array(fc.nat(size - 1), { maxLength: 3 }), { minLength: size, maxLength: size }));
    fc.assert(
      fc.property(graph, (edges) => {
        const list = edges.map((ends, i) => ({ id: `t${i}`, dependsOn: ends.map((end) => `t${end}`) }));
        try {
          const done = new Set<string>();
          for (const { id, dependsOn } of dependencyOrder(list)) {
            for (const wanted of dependsOn) expect(done.has(wanted)).toBe(true);
            done.add(id);
          }
          expect(done.size).toBe(list.length);
        } catch (error) {
          if ((error as Problem).code !== 'JOB_DEPENDENCY_CYCLE') throw error;
          const circle = [...(error as Problem).message.matchAll(/"(t\d+)"/g)].map((match) => match[1]);
          if (circle.length > 10) return;
          expect(circle[0]).toBe(circle.at(-1));
          for (let i = 1; i < circle.length; i++) {
            expect(list.find(({ id }) => id === circle[i - 1])?.dependsOn).toContain(circle[i]);
          }
        }
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});
