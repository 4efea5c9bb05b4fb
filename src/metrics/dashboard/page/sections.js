// What is shown in words and tables: alerts, the scheduler's reasons, agents, memories, caches, imports.

import { bar, byId, element, fill, missing, setText, table } from './elements.js';
import { bytes, count, duration, milliseconds, moment, number, percent } from './format.js';

/** @typedef {import('../snapshot.js').Snapshot} Snapshot */

/** @param {Snapshot} snapshot @source story-17.4 AC6; product contract, Monitoring (`GET /dashboard`) */
export function showSections(snapshot) {
  showAlerts(snapshot);
  showScheduler(snapshot);
  showAgents(snapshot);
  showMemories(snapshot);
  showCaches(snapshot);
  showImports(snapshot);
}

/** @param {Snapshot} snapshot */
function showAlerts({ alerts, time }) {
  const list = byId('alerts');
  const firing = alerts?.length ?? 0;
  document.title = `${firing > 0 ? `(${firing}) ` : ''}canvas-learning-backend`;
  const calm = alerts === null ? 'No alert rules are loaded.' : 'No alert is firing.';
  setText(byId('alerts-said'), (alerts ?? []).map(({ severity, summary }) => `${severity}: ${summary}`).join('. '));
  fill(list, [alerts, alerts?.map(({ since }) => duration(time - Date.parse(since) / 1000))], () =>
    alerts === null || alerts.length === 0
      ? [element('li', { class: 'calm' }, calm)]
      : alerts.map((alert) =>
          element(
            'li',
            { class: `alert ${alert.severity}` },
            element('span', { class: 'severity' }, alert.severity),
            element('strong', {}, [alert.name, ...Object.values(alert.labels)].join(' ')),
            element('span', { class: 'summary' }, alert.summary),
            element(
              'span',
              { class: 'since' },
              `${number(alert.value)} against ${number(alert.threshold)}, for ${duration(time - Date.parse(alert.since) / 1000)}`,
            ),
          ),
        ),
  );
}

/** @type {Readonly<Record<string, string>>} */
const reasons = {
  start: 'the start',
  calm: 'all was calm',
  settings: 'the settings',
  fixed: 'switched off: a fixed number',
  cpu: 'the processor',
  memory: 'the memory',
  event_loop: 'the event loop',
};
/** @type {Readonly<Record<string, string>>} */
const reasonsNow = {
  start: 'The limit has not moved since the start',
  calm: 'The limit may rise: all is calm',
  fixed: 'The limit is fixed: the scheduler is switched off',
};
const loadText = (/** @type {string} */ name, /** @type {number} */ value) =>
  `${reasons[name]?.replace('the ', '') ?? name} ${name === 'event_loop' ? milliseconds(value) : percent(value)}`;

/** @param {Snapshot} snapshot */
function showScheduler({ scheduler, time }) {
  const { limit, reason, running, waiting, load, upstreams, changes } = scheduler;
  setText(
    byId('limit-now'),
    `${count(running)} of ${count(limit)} slots taken, ${count(waiting)} waiting. ${reasonsNow[reason] ?? `The limit follows ${reasons[reason] ?? reason}`}.`,
  );
  const loads = Object.entries(load).map(([name, value]) => loadText(name, value));
  const servers = Object.entries(upstreams).map(
    ([name, { limit: most, running: now }]) => `${name} ${now} of ${number(most)}`,
  );
  setText(byId('load-now'), [...loads, ...servers].join(' · '));
  const latest = changes.slice(-8).reverse();
  fill(byId('limit-changes'), [latest, Math.floor(time / 3600)], () =>
    latest.length === 0
      ? [element('li', {}, missing('The limit has not changed in the last 24 h.'))]
      : latest.map((change) =>
          element(
            'li',
            {},
            element('time', {}, moment(change.time, time)),
            element(
              'b',
              { class: `change ${changeClass(change)}` },
              change.limit === change.previous ? `${change.limit}` : `${change.previous} → ${change.limit}`,
            ),
            element('span', {}, reasonOf(change)),
          ),
        ),
  );
}

/** @param {Snapshot['scheduler']['changes'][number]} change */
function changeClass({ limit, previous }) {
  if (limit === previous) return '';
  return limit < previous ? 'loss' : 'gain';
}

/** @param {Snapshot['scheduler']['changes'][number]} change */
function reasonOf({ reason, load }) {
  const value = load[reason];
  return value === undefined ? (reasons[reason] ?? reason) : loadText(reason, value);
}

/** @param {Snapshot} snapshot */
function showAgents({ agents, model }) {
  fill(byId('agents'), [agents, model], () => {
    if (agents.length > 0) {
      const rows = agents.map(({ type, calls, failed, mean_ms, p95_ms }) => [
        type,
        count(calls),
        count(failed),
        milliseconds(mean_ms),
        milliseconds(p95_ms),
      ]);
      return [table('Agents by type, since the start', ['agent', 'calls', 'failed', 'mean', 'p95'], rows)];
    }
    return [
      missing(
        model
          ? 'No agent has run since the start.'
          : 'No chat model is configured (OPENAI_BASE_URL, OPENAI_MODEL): agents cannot run.',
      ),
    ];
  });
}

/** @type {Readonly<Record<string, string>>} */
const memoryNames = { graphiti: 'graph memory', temporal: 'learning events', semantic: 'canvas nodes' };

/** @param {Snapshot} snapshot */
function showMemories({ memories }) {
  fill(byId('memories'), memories, () => [
    table(
      'Memory systems, since the start',
      ['memory', 'state', 'queries', 'mean', 'p95'],
      memories.map(({ type, reachable, queries, mean_ms, p95_ms }) => [
        memoryNames[type] ?? type,
        element('span', { class: stateClass[String(reachable)] ?? '' }, stateWords[String(reachable)] ?? ''),
        count(queries),
        milliseconds(mean_ms),
        milliseconds(p95_ms),
      ]),
    ),
  ]);
}

/** @type {Readonly<Record<string, string>>} */
const stateWords = { true: 'up', false: 'down', null: 'not known' };
/** @type {Readonly<Record<string, string>>} */
const stateClass = { true: 'on', false: 'loss' };

/** @type {Readonly<Record<string, string>>} */
const cacheNames = {
  canvas_files: 'canvases',
  query: 'lists of trajectories',
  row_ids: 'orders of rows',
  embedding: 'vectors of texts',
  memory_results: 'graph searches',
  llm_responses: 'answers of the model',
};

/** @param {Snapshot} snapshot */
function showCaches({ caches }) {
  fill(byId('caches'), caches, () => [
    table(
      'Caches, since the start',
      ['cache', 'hit ratio', 'asked', 'entries', 'size', 'full'],
      caches.map(({ name, hits, misses, entries, bytes: size, max_bytes: most }) => {
        const asked = hits + misses;
        return [
          cacheNames[name] ?? name,
          asked === 0
            ? element('span', { class: 'none' }, 'not asked yet')
            : element('span', { class: 'ratio' }, bar(hits / asked, 'after'), percent(hits / asked)),
          count(asked),
          count(entries),
          bytes(size),
          fullness(size, most),
        ];
      }),
    ),
  ]);
}

/** @param {number} size @param {number} most */
function fullness(size, most) {
  const share = most === 0 ? null : size / most;
  return share !== null && share > 0 && share < 0.001 ? `< ${percent(0.001)}` : percent(share);
}

/** @param {Snapshot} snapshot */
function showImports({ imports, time }) {
  const { waiting, running, latest } = imports;
  setText(byId('imports-now'), `${count(running)} running, ${count(waiting)} waiting`);
  fill(byId('imports'), [latest, Math.floor(time / 30)], () =>
    latest.length === 0
      ? [element('li', {}, missing('Nothing was imported yet: POST /api/import, or npm run import -- file.jsonl'))]
      : latest.map((task) =>
          element(
            'li',
            { class: 'import' },
            element('span', { class: `status ${task.status}` }, task.status),
            element('progress', { max: 100, value: task.progress, 'aria-label': `progress of import ${task.id}` }),
            element('span', { class: 'done' }, `${task.progress} %`),
            element(
              'span',
              { class: 'rows' },
              `${count(task.imported)} stored, ${count(task.skipped)} skipped, ${count(task.failed)} failed${speedOf(task)}`,
            ),
            element('time', {}, moment(task.completed ?? task.created, time)),
          ),
        ),
  );
}

/** @param {Snapshot['imports']['latest'][number]} task */
function speedOf({ rows_per_second: rows, eta_seconds: left }) {
  if (rows === null) return '';
  return `, ${count(rows)} rows/s${left === null ? '' : `, ${duration(left)} to go`}`;
}
