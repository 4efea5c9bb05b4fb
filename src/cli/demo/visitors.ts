import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '../../client/index.js';
import { type Chance, createChance } from './chance.js';
import type { SampleCanvas } from './sample-canvases.js';
import { subjects } from './sample-topics.js';
import { sampleAgents } from './sample-trajectories.js';

/** What visitors find when they come: the service, its canvases, and a signal to go home. @source product contract, "Who uses it" */
export interface Visit {
  client: Client;
  canvases: readonly SampleCanvas[];
  /** Trajectories that the import will have stored in the end. */
  trajectories: number;
  leave: AbortSignal;
}

/**
 * One visitor: does one thing after the other, each followed by a rest, until it is time to leave.
 * @source product contract, "Who uses it"
 */
export interface Visitor {
  name: string;
  /** Milliseconds between two visits, give or take half. */
  restMs: number;
  act(visit: Visit, chance: Chance): Promise<unknown>;
}

const topics = subjects.flatMap((subject) => subject.topics);
const dayMs = 86_400_000;
const eventTypes = ['node_reviewed', 'node_created', 'score_given', 'question_asked'];
const group = 'demo';
/** What is asked of the graph memory, of all that it knows. */
const questions = 5;

/** Most visitors look at the same few canvases, as people do. */
const favourite = ({ canvases }: Visit, chance: Chance) =>
  canvases[Math.floor(chance.next() ** 2 * canvases.length)] as SampleCanvas;

const reader: Visitor = {
  name: 'reader',
  restMs: 60,
  act: (visit, chance) => visit.client.canvases.getCanvas({ params: { path: favourite(visit, chance).path } }),
};

/** Types: some saves in a row, which become one write of the file. */
const writer: Visitor = {
  name: 'writer',
  restMs: 900,
  async act(visit, chance) {
    const { path, nodeIds } = favourite(visit, chance);
    const id = chance.pick(nodeIds);
    const { statement } = chance.pick(topics);
    for (let length = 6; length <= 36; length += 6) {
      await visit.client.canvases.patchNode({
        params: { path, id },
        body: { text: `${statement.slice(0, length)} (${chance.whole(0, 9999)})` },
      });
      await pause(40);
    }
  },
};

const popular = [
  {},
  { page: 2 },
  { sort_by: 'reward', sort_order: 'desc' },
  { agent_name: sampleAgents[0] },
  { is_success: true },
] as const;

/** Opens the same few lists again and again, seldom one with a filter of its own, now and then the figures of all. */
const engineer: Visitor = {
  name: 'engineer',
  restMs: 250,
  async act({ client }, chance) {
    const what = chance.next();
    if (what < 0.1) return client.analysis.getAnalysisStatistics();
    if (what < 0.2) return client.questions.listQuestions({ query: { pageSize: 20 } });
    // What everybody opens first, and again.
    if (what < 0.75) return client.trajectories.listTrajectories({ query: chance.pick(popular) });
    const sort = { sort_by: chance.pick(['reward', 'exec_time', 'created_at'] as const), sort_order: 'desc' } as const;
    const page = { page: chance.whole(1, 5), pageSize: 20 };
    if (what < 0.85) return client.trajectories.listTrajectories({ query: { ...page, ...sort } });
    return client.trajectories.listTrajectories({
      query: { ...page, ...sort, agent_name: chance.pick(sampleAgents), reward_min: chance.whole(0, 9) / 10 },
    });
  },
};

const searcher: Visitor = {
  name: 'searcher',
  restMs: 700,
  async act({ client }, chance) {
    const { name, statement } = chance.pick(topics);
    const what = chance.next();
    if (what < 0.4) return client.trajectories.searchTrajectories({ query: { q: name, limit: 10 } });
    if (what < 0.7) return client.trajectories.similarTrajectories({ params: { question: name }, query: { limit: 5 } });
    return client.memory.searchCanvasNodes({ body: { query: statement, top_k: 5 } });
  },
};

const learner: Visitor = {
  name: 'learner',
  restMs: 300,
  async act(visit, chance) {
    const { client } = visit;
    if (chance.next() < 0.3) {
      return client.memory.addLearningEvent({ body: event(visit, chance, Date.now()) });
    }
    const path = favourite(visit, chance).path;
    return client.memory.listLearningEvents({ query: { range: '7d', canvas_path: path, limit: 20 } });
  },
};

/** Asks the same few questions, and seldom has something new to remember. */
const rememberer: Visitor = {
  name: 'rememberer',
  restMs: 600,
  async act({ client }, chance) {
    const { name, statement } = chance.pick(topics.slice(0, questions));
    if (chance.next() < 0.02)
      return client.memory.addKnowledge({ body: { content: `${name}: ${statement}`, group_id: group } });
    return client.memory.searchKnowledge({ body: { query: name, group_ids: [group], top_k: 5 } });
  },
};

/** Asks an agent what it would draw. */
const student: Visitor = {
  name: 'student',
  restMs: 1200,
  async act(visit, chance) {
    const { path, nodeIds } = favourite(visit, chance);
    const agent_type = chance.pick([
      'basic-decomposition',
      'four-level-explanation',
      'memory-anchor',
      'scoring-agent',
      'comparison-table',
    ] as const);
    return visit.client.agents.invokeAgent({
      body: { agent_type, canvas_path: path, target_node_id: chance.pick(nodeIds), parameters: { dry_run: true } },
    });
  },
};

/** Those who come, each as often as listed. @source product contract, "Who uses it" */
export const everybody: readonly Visitor[] = [
  reader,
  reader,
  writer,
  engineer,
  engineer,
  searcher,
  learner,
  rememberer,
  student,
  student,
];

function event({ canvases }: Visit, chance: Chance, atMs: number) {
  const { path, nodeIds } = chance.pick(canvases);
  return {
    event_type: chance.pick(eventTypes),
    timestamp: new Date(atMs).toISOString(),
    canvas_path: path,
    node_id: chance.pick(nodeIds),
    metadata: { score: chance.whole(0, 100) },
  };
}

/**
 * What was there before the visitors: two months of learning events, and some knowledge. Breaks off when it is time to
 * leave.
 * @source product contract, Agents and memory
 */
export async function remember(visit: Visit, events: number): Promise<void> {
  const { client, leave } = visit;
  const chance = createChance(5);
  const now = Date.now();
  const past = Array.from({ length: events }, () => event(visit, chance, now - Math.floor(chance.next() * 60 * dayMs)));
  await client.memory.addLearningEvents({ body: { events: past }, signal: leave });
  for (const { name, statement } of topics) {
    await client.memory.addKnowledge({ body: { content: `${name}: ${statement}`, group_id: group }, signal: leave });
  }
}
