import { expect, it } from 'vitest';
import { createWriteTurns, WriterLost } from '../../../src/trajectories/store/write-turns.js';

function newTurns(keepOut: () => Promise<void> = async () => {}) {
  const log: string[] = [];
  const turns = createWriteTurns(async () => {
    log.push('kept out');
    await keepOut();
  });
  const write = (name: string) => async () => void log.push(name);
  const alone = (name: string) => turns.writes.run(() => turns.newIdsAlone.run(write(name)));
  const lose = () => turns.newIds.run(() => Promise.reject(new WriterLost())).catch(() => {});
  return { ...turns, log, write, alone, lose };
}

it('nothing is kept out while no writer is lost, a failed one included', async () => {
  const { settle, newIds, alone, log } = newTurns();
  await newIds.run(() => Promise.reject(new Error('disk'))).catch(() => {});
  await alone('record');
  await settle();
  expect(log).toEqual(['record']);
});

it('what a lost writer left is kept out once, before the next record is written', async () => {
  const { settle, alone, lose, log } = newTurns();
  await alone('before');
  await Promise.all([lose(), alone('record'), alone('another')]);
  await settle();
  expect(log).toEqual(['before', 'kept out', 'record', 'another']);
});

it('an import that settles waits for the turn that is being lost and for all that write', async () => {
  const { settle, writes, newIds, log } = newTurns();
  let lose = (_: Error) => {};
  const turn = new Promise<void>((_resolve, reject) => {
    lose = reject;
  });
  const lost = newIds.run(() => turn).catch(() => {});
  let endWrite = () => {};
  const written = new Promise<void>((resolve) => {
    endWrite = resolve;
  });
  const write = writes.run(() => written);
  const settled = settle().then(() => log.push('settled'));
  await Promise.resolve();
  lose(new WriterLost());
  await lost;
  expect(log).toEqual([]);
  endWrite();
  await Promise.all([write, settled]);
  expect(log).toEqual(['kept out', 'settled']);
});

it('where it cannot be kept out nothing new is written, and it is tried again', async () => {
  let isBroken = true;
  const { settle, alone, lose, log } = newTurns(async () => {
    if (isBroken) throw new Error('disk');
  });
  await lose();
  await expect(alone('record')).rejects.toThrow('disk');
  await expect(settle()).rejects.toThrow('disk');
  isBroken = false;
  await settle();
  expect(log).toEqual(['kept out', 'kept out', 'kept out']);
});

it('an import writes beside edits, but rewrites stored rows while nobody else writes', async () => {
  const { exclusively, writes, log, write } = newTurns();
  let endEdit = () => {};
  const edited = new Promise<void>((resolve) => {
    endEdit = resolve;
  });
  const edit = writes.run(async () => {
    await edited;
    log.push('edit');
  });
  const rewriting = exclusively(write('rewriting'), true);
  const later = writes.run(write('later edit'));
  await exclusively(write('adding'));
  endEdit();
  await Promise.all([edit, rewriting, later]);
  expect(log).toEqual(['adding', 'edit', 'rewriting', 'later edit']);
});
