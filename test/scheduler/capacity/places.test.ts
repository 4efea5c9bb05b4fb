import { expect, test } from 'vitest';
import type { TaskContext } from '../../../src/scheduler/index.js';
import { settle } from '../../support/manual-clock.js';
import { openTasks, openTestScheduler } from '../open-test-scheduler.js';

const never = new AbortController().signal;

/** A scheduler for a server that takes so many at once, and tasks that all ask it. */
async function openAsking(takes: number, names: readonly string[]) {
  const opened = openTestScheduler();
  const tasks = openTasks(opened.scheduler);
  opened.scheduler.observeUpstream({
    type: 'attempt',
    upstream: 'model',
    outcome: 'busy',
    durationSeconds: 1,
    retryAfterSeconds: undefined,
    othersRunning: takes,
    isStream: false,
  });
  for (const name of names) tasks.run({ name, upstream: 'model' });
  await settle();
  const context = (name: string) => tasks.running.find((task) => task.name === name)?.context as TaskContext;
  const state = () => opened.scheduler.state();
  return { ...opened, tasks, context, places: () => state().upstreams.model?.running, state };
}

test('a task that waits for its next try lets another one be sent, and keeps its slot of the machine', async () => {
  const { tasks, context, places, state } = await openAsking(2, ['a', 'b', 'c']);
  expect([tasks.started, places(), state().running]).toEqual([['a', 'b'], 2, 2]);
  context('a').permit?.release();
  await settle();
  expect([tasks.started, places(), state().running]).toEqual([['a', 'b', 'c'], 2, 3]);
});

test('who comes back goes before what has not begun, the first that arrived before others', async () => {
  const { tasks, context } = await openAsking(2, ['a', 'b', 'c', 'd', 'e']);
  for (const name of ['a', 'b']) context(name).permit?.release();
  await settle();
  expect(tasks.started).toEqual(['a', 'b', 'c', 'd']);
  const back: string[] = [];
  for (const name of ['b', 'a'])
    void context(name)
      .permit?.acquire(never)
      .then(() => back.push(name));
  await settle();
  expect(back).toEqual([]);
  tasks.running.find(({ name }) => name === 'c')?.end();
  await settle();
  expect([back, tasks.started.length]).toEqual([['a'], 4]);
  tasks.running.find(({ name }) => name === 'd')?.end();
  await settle();
  expect([back, tasks.started.length]).toEqual([['a', 'b'], 4]);
  tasks.running.find(({ name }) => name === 'a')?.end();
  await settle();
  expect(tasks.started).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('the last that asks keeps its place: a server that takes nothing is tried by one task at a time', async () => {
  const { tasks, context, places } = await openAsking(1, ['a', 'b']);
  context('a').permit?.release();
  await context('a').permit?.acquire(never);
  expect([tasks.started, places()]).toEqual([['a'], 1]);
});

test('a task whose caller leaves while it waits to come back takes no place any more', async () => {
  const { tasks, context, places } = await openAsking(2, ['a', 'b', 'c']);
  context('a').permit?.release();
  await settle();
  const caller = new AbortController();
  const back = context('a').permit?.acquire(caller.signal);
  caller.abort(new Error('left'));
  await expect(back).rejects.toThrow('left');
  await expect(context('a').permit?.acquire(caller.signal)).rejects.toThrow('left');
  tasks.running.find(({ name }) => name === 'a')?.end();
  tasks.running.find(({ name }) => name === 'b')?.end();
  await settle();
  expect(places()).toBe(1);
});

test('a call that outlives its task is held up by nobody', async () => {
  const { tasks, context, places } = await openAsking(2, ['a', 'b', 'c']);
  const { permit } = context('a');
  permit?.release();
  await settle();
  const back = permit?.acquire(never);
  tasks.running.find(({ name }) => name === 'a')?.end();
  await back;
  await permit?.acquire(never);
  permit?.release();
  expect(places()).toBe(2);
});

test('with the flag off nobody waits for a place', async () => {
  const { flag, context } = await openAsking(2, ['a', 'b', 'c']);
  context('a').permit?.release();
  await settle();
  flag.enabled = false;
  await context('a').permit?.acquire(never);
});
