import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Contestant, openProduct } from '../../bench/trajectories/pages/contestant.js';
import { comparable, pageQuestions } from '../../bench/trajectories/pages/page-questions.js';
import { fillStore } from '../../bench/trajectories/pages/page-store.js';
import { openSqlite } from '../../bench/trajectories/pages/sqlite-contestant.js';

test('the product with and without its optimisations and SQLite answer every question of the bench alike', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'clb-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const lanceUri = path.join(folder, 'lancedb');
  const sqlite = openSqlite(path.join(folder, 'pages.sqlite'));
  const { ids } = await fillStore(lanceUri, 300, async (some) => sqlite.add(some));
  sqlite.finish();
  const contestants: Contestant[] = [await openProduct(lanceUri, true), await openProduct(lanceUri, false), sqlite];
  expect(new Set(ids).size).toBe(300);
  for (const question of pageQuestions(ids)) {
    for (const turn of [0, 1, 2, 33]) {
      const answers = await Promise.all(contestants.map(async (one) => comparable(await question.ask(one, turn))));
      expect(answers.slice(1).map((answer) => [question.name, answer])).toEqual(
        answers.slice(1).map(() => [question.name, answers[0]]),
      );
    }
  }
  const [first, ...others] = await Promise.all(contestants.map((one) => one.statistics(true)));
  for (const { statistics } of others) {
    for (const [name, value] of Object.entries(first?.statistics ?? {})) {
      expect([name, statistics[name as 'pass_at_1'] ?? 0]).toEqual([name, expect.closeTo(value ?? 0, 9)]);
    }
  }
  for (const one of contestants) await one.close();
}, 60_000);
