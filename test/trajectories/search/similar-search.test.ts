import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Problem } from '../../../src/errors.js';
import { modelTableName, openDatabase } from '../../../src/lance/index.js';
import { createVectorIndex, vectorsWithoutIndex } from '../../../src/lance/vectors/vector-search.js';
import {
  addQuestionVectors,
  questionVectorSchema,
  vectorTablePrefix,
} from '../../../src/trajectories/search/similar/question-vectors.js';
import { eventually } from '../../support/eventually.js';
import { makeRow, openTables, suiteFolder } from '../stored-rows.js';
import { idsOf, letterEmbedder, openTestSearch, shown } from './open.js';

/** Three attempts at each question, stored one after the other. */
const questions = ['aaab', 'aabb', 'abbb', 'cccc', 'ccdd', '', 'hhhh'];
const rows = questions.flatMap((question, q) =>
  [0, 1, 2].map((attempt) => makeRow(q * 3 + attempt, { question, data_id: `q${q}` })),
);
const id = (question: string, attempt = 2) => rows[questions.indexOf(question) * 3 + attempt]!.trajectory_id;

async function open(changes: Parameters<typeof openTestSearch>[1] = {}) {
  const tables = await openTables(rows, 3, await suiteFolder());
  return { ...tables, ...(await openTestSearch(tables.folder, changes)) };
}

test('each similar question is one hit, the newest attempt at it, with the cosine as score', async () => {
  const { search } = await open();
  await search.upkeep();
  const { rows: found, complete } = await search.searchSimilar('aaab', 3, true);
  expect(complete).toBe(true);
  expect(idsOf(found)).toEqual([id('aaab'), id('aabb'), id('abbb')]);
  const scores = shown(found).map(({ score }) => score);
  expect(scores[0]).toBeCloseTo(1, 4);
  expect(scores[2]).toBeCloseTo((3 * 1 + 1 * 3) / 10, 3);
});

test('ungrouped, all attempts at the similar questions are given, newest first', async () => {
  const { search } = await open();
  await search.upkeep();
  const { rows: found } = await search.searchSimilar('cccc', 5, false);
  expect(idsOf(found)).toEqual([id('cccc', 2), id('cccc', 1), id('cccc', 0), id('ccdd', 2), id('ccdd', 1)]);
});

test('what has nothing in common with the question is no hit', async () => {
  const { search } = await open();
  await search.upkeep();
  expect(idsOf((await search.searchSimilar('hh', 10, true)).rows)).toEqual([id('hhhh')]);
  expect((await search.searchSimilar('gg', 10, true)).rows).toEqual([]);
});

test('before the vectors are there the answer says that it is not complete', async () => {
  const { search } = await open();
  const { complete } = await search.searchSimilar('aaab', 3, true);
  expect(complete).toBe(false);
});

test('each distinct question is embedded once, and an empty one never', async () => {
  const embedder = letterEmbedder();
  const { search, events } = await open({ embedder });
  await search.upkeep();
  await search.upkeep();
  expect(embedder.asked.sort()).toEqual(questions.filter((question) => question !== '').sort());
  const stored = events.flatMap((event) => (event.type === 'vectors_stored' ? [event.questions] : []));
  expect(stored).toEqual([6]);
  expect(search.progress()).toEqual({ questions: 6, ratio: 1 });
});

test('others have their turn while many questions are embedded', async () => {
  const many = Array.from({ length: 200 }, (_, i) => makeRow(i, { question: `question ${i}`, data_id: `q${i}` }));
  const { folder } = await openTables(many, 1, await suiteFolder());
  const letters = letterEmbedder();
  let [inTurn, longest] = [0, 0];
  const embedder = {
    ...letters,
    embed(texts: readonly string[]) {
      if (inTurn === 0) setImmediate(() => (inTurn = 0));
      inTurn += 1;
      longest = Math.max(longest, inTurn);
      return letters.embed(texts);
    },
  };
  const { search } = await openTestSearch(folder, { embedder });
  await search.upkeep();
  expect(search.progress().questions).toBe(200);
  expect(longest).toBeLessThanOrEqual(64);
});

test('a new question is found after a change was told, and only it is embedded', async () => {
  const embedder = letterEmbedder();
  const { search, table, timers } = await open({ embedder });
  await search.upkeep();
  embedder.asked.length = 0;
  await table.add([makeRow(100, { question: 'efef', data_id: 'new' })]);
  search.changed();
  for (const { work } of [...timers.values()]) work();
  await search.upkeep();
  expect(embedder.asked).toEqual(['efef']);
  expect(idsOf((await search.searchSimilar('ef', 3, true)).rows)).toEqual([makeRow(100).trajectory_id]);
});

test('after a change only the end is looked at, where new rows lie, and all of it once in a while', async () => {
  const embedder = letterEmbedder();
  const { search, table, timers } = await open({ embedder });
  await search.upkeep();
  await table.add([makeRow(100, { question: 'fff', data_id: 'new' })]);
  search.changed();
  const [soon] = [...timers.values()];
  timers.clear();
  soon?.work();
  await eventually(() => expect([search.progress().questions, timers.size]).toEqual([7, 1]));
  const [whole] = [...timers.values()];
  expect(soon?.delayMs).toBe(1000);
  expect(whole?.delayMs).toBe(5000);
  expect(embedder.asked.filter((text) => text === 'fff')).toHaveLength(1);
  await table.delete("question = 'fff'");
  whole?.work();
  await eventually(() => expect(search.progress().questions).toBe(6));
});

test('deleted trajectories drop out at once, and their vectors later', async () => {
  const { search, table, events } = await open();
  await search.upkeep();
  await table.delete(`question = 'aabb' OR trajectory_id = '${id('aaab')}'`);
  expect(idsOf((await search.searchSimilar('aaab', 2, true)).rows)).toEqual([id('aaab', 1), id('abbb')]);
  await search.upkeep();
  expect(events).toContainEqual({ type: 'vectors_removed', questions: 1 });
  expect(search.progress().questions).toBe(5);
});

test('a question that moved to another data_id is still found', async () => {
  const { search, table } = await open();
  await search.upkeep();
  await table.update({ where: "question = 'hhhh'", values: { data_id: 'elsewhere' } });
  expect(idsOf((await search.searchSimilar('h', 1, true)).rows)).toEqual([id('hhhh')]);
});

/** Long questions that differ at their very end, beside one as short as is asked for by its text and one a sign longer. */
const long = [...['b', 'c', 'd'].map((end) => `${'a'.repeat(300_000)}${end}`), 'a'.repeat(256), 'a'.repeat(257)];
const wide = '\u{1f600}'.repeat(200);

test('long questions are told apart, and none of them stands in a filter', async () => {
  const made = [...long, `${wide}a`].flatMap((question, q) =>
    [0, 1].map((attempt) => makeRow(q * 2 + attempt, { question, data_id: `q${q}` })),
  );
  const { table, folder } = await openTables(made, 2, await suiteFolder());
  const { search } = await openTestSearch(folder);
  await search.upkeep();
  await table.update({ where: "data_id = 'q1'", values: { data_id: 'elsewhere' } });
  const where = vi.spyOn(Object.getPrototypeOf(table.query()), 'where');
  onTestFinished(() => where.mockRestore());
  const newest = (await search.searchSimilar('a', 20, true)).rows;
  const all = (await search.searchSimilar('a', 20, false)).rows;
  const filters = where.mock.calls.map(([filter]) => String(filter)).filter((filter) => filter.includes('question'));
  const ids = made.map(({ trajectory_id }) => trajectory_id);
  expect(idsOf(newest).sort()).toEqual(ids.filter((_, i) => i % 2 === 1));
  expect(idsOf(all).sort()).toEqual(ids);
  expect(filters).toHaveLength(3);
  expect(Math.max(...filters.map(({ length }) => length))).toBeLessThan(2000);
});

test('another start goes on with what is stored', async () => {
  const { search, folder } = await open();
  await search.upkeep();
  await search.close();
  const embedder = letterEmbedder();
  const again = await openTestSearch(folder, { embedder });
  await again.search.upkeep();
  expect(embedder.asked).toEqual([]);
  expect(idsOf((await again.search.searchSimilar('aaab', 1, true)).rows)).toEqual([id('aaab')]);
});

test('a pass that is broken off leaves what it stored, and the next start does the rest only', async () => {
  const many = Array.from({ length: 700 }, (_, i) => makeRow(i, { question: `a${i}`, data_id: `${i}` }));
  const tables = await openTables(many, 1, await suiteFolder());
  const first = letterEmbedder();
  let leave = () => {};
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  const halting = {
    ...first,
    async embed(texts: readonly string[], given?: { signal?: AbortSignal | undefined }) {
      if (first.asked.length >= 300) {
        leave();
        await new Promise((_, reject) => given?.signal?.addEventListener('abort', () => reject(given.signal?.reason)));
      }
      return first.embed(texts);
    },
  };
  const begun = await openTestSearch(tables.folder, { embedder: halting });
  await left;
  await begun.search.close();
  const second = letterEmbedder();
  const { search } = await openTestSearch(tables.folder, { embedder: second });
  await search.upkeep();
  expect(second.asked).toHaveLength(700 - 256);
  expect(search.progress().questions).toBe(700);
});

test('vectors of another model are never used: they are made anew, and the old ones dropped', async () => {
  const { search, folder } = await open();
  await search.upkeep();
  await search.close();
  const vectorTables = async () => (await readdir(folder)).filter((name) => name.startsWith('question_vectors_'));
  const before = await vectorTables();
  const embedder = letterEmbedder('other letters');
  const again = await openTestSearch(folder, { embedder });
  expect(await vectorTables()).toHaveLength(2);
  await again.search.upkeep();
  expect(embedder.asked).toHaveLength(6);
  const after = await vectorTables();
  expect(after).toHaveLength(1);
  expect(after).not.toEqual(before);
});

test.each(['rows of another model', 'vectors of another size', 'files of nothing'])(
  'a table with %s is refused and made anew',
  async (what) => {
    const { search, folder, database } = await open();
    await search.upkeep();
    await search.close();
    const [name] = await database.tableNames('question_vectors_');
    const others = { model: 'letters', dimensions: 4 };
    if (what === 'rows of another model') {
      const table = await database.openTable(name!, questionVectorSchema(8));
      const vector = new Float32Array(8).fill(1);
      await addQuestionVectors(table, { model: 'foreign', dimensions: 8 }, [{ question: 'a', dataId: 'x', vector }]);
    } else {
      await database.dropTable(name!);
      const broken = await openDatabase(folder);
      if (what === 'vectors of another size') await broken.openTable(name!, questionVectorSchema(others.dimensions));
      else await broken.openTable(name!, (await (await broken.openTable('analysis', emptySchema)).schema()) as never);
    }
    const embedder = letterEmbedder();
    const again = await openTestSearch(folder, { embedder });
    await again.search.upkeep();
    expect(embedder.asked).toHaveLength(6);
    expect(idsOf((await again.search.searchSimilar('aaab', 1, true)).rows)).toEqual([id('aaab')]);
  },
);
const emptySchema = { names: [], fields: [] } as never;

test('a model that is away costs nothing but the vectors, which are made when it is back', async () => {
  const letters = letterEmbedder();
  let isAway = true;
  const embedder = {
    ...letters,
    embed: async (texts: readonly string[]) => {
      if (isAway) throw new Problem({ code: 'NETWORK_UNREACHABLE', kind: 'upstream_failed', message: 'away' });
      return letters.embed(texts);
    },
  };
  const { search, events, timers } = await open({ embedder });
  await search.upkeep();
  expect(events).toContainEqual({ type: 'vectors_failed', questions: 6 });
  await expect(search.searchSimilar('aaab', 1, true)).rejects.toMatchObject({ code: 'NETWORK_UNREACHABLE' });
  expect(idsOf(await search.searchText('aaab', 1))).toHaveLength(1);
  const [retry] = [...timers.values()];
  expect(retry?.delayMs).toBe(60_000);
  isAway = false;
  retry?.work();
  await search.upkeep();
  expect(search.progress().questions).toBe(6);
});

test('a question that the model refuses keeps no other from its vector', async () => {
  const letters = letterEmbedder();
  let refusals = 0;
  const embedder = {
    ...letters,
    embed: async (texts: readonly string[]) => {
      if (!texts.includes('cccc')) return letters.embed(texts);
      refusals += 1;
      throw new Problem({ code: 'MODEL_REQUEST_REFUSED', kind: 'upstream_failed', message: 'no' });
    },
  };
  const { search } = await open({ embedder });
  await search.upkeep();
  expect(search.progress().questions).toBe(5);
  expect((await search.searchSimilar('aaab', 1, true)).complete).toBe(true);
  await search.upkeep();
  await search.upkeep();
  expect(refusals).toBe(1);
});

test('batches of vectors wait for their turn, a question that somebody asks does not', async () => {
  let give = () => {};
  const turn = new Promise<void>((resolve) => {
    give = resolve;
  });
  const { search } = await open({
    inBackground: async (work, { signal } = {}) => {
      await turn;
      return work(signal!);
    },
  });
  expect((await search.searchSimilar('aaab', 1, true)).rows).toEqual([]);
  give();
  await search.upkeep();
  expect(idsOf((await search.searchSimilar('aaab', 1, true)).rows)).toEqual([id('aaab')]);
});

test('at start a search by words is rehearsed where there is an index, and nobody is told', async () => {
  const embedder = letterEmbedder();
  const { search, events } = await open({ embedder });
  await search.upkeep();
  const steps = await search.prewarmSteps();
  expect(steps.map(({ name }) => name)).toEqual(['trajectories: search by words']);
  const [told, calls] = [events.length, embedder.asked.length];
  await steps[0]?.run();
  expect([events.length, embedder.asked.length]).toEqual([told, calls]);
});

test('a vector index that cannot be read is done without, told once, and dropped', async () => {
  const embedder = letterEmbedder();
  const { search, events, folder, database } = await open({ embedder });
  await search.upkeep();
  const name = modelTableName(vectorTablePrefix, embedder);
  const vectors = await database.openTable(name, questionVectorSchema(8));
  await createVectorIndex(vectors, 'vector', 1);
  const sound = await search.searchSimilar('aaab', 3, true);
  await search.close();
  const indices = path.join(folder, `${name}.lance`, '_indices');
  const files = (await readdir(indices, { recursive: true })).filter((file) => /\.\w+$/.test(file));
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) await writeFile(path.join(indices, file), 'damaged');
  const damaged = await openTestSearch(folder, { embedder });
  for (let i = 0; i < 2; i++) {
    expect(shown((await damaged.search.searchSimilar('aaab', 3, true)).rows)).toEqual(shown(sound.rows));
  }
  const failed = () => damaged.events.filter(({ type }) => type === 'index_failed');
  expect(failed()).toEqual([{ type: 'index_failed', index: 'vectors' }]);
  await damaged.search.upkeep();
  await vectors.checkoutLatest();
  expect(await vectorsWithoutIndex(vectors, 'vector')).toBeUndefined();
  expect(shown((await damaged.search.searchSimilar('aaab', 3, true)).rows)).toEqual(shown(sound.rows));
  expect([failed().length, events.length > 0]).toEqual([1, true]);
});
