// Every chart of the page.

import { Chart } from './chart.js';
import { bytes, count, milliseconds, number, percent, perSecond } from './format.js';

/** @typedef {import('./past.js').Past} Past */
/** @typedef {import('../snapshot.js').Snapshot} Snapshot */

/** Bounds of the service's buckets, in ms; what took longer is in one more. */
const boundsMs = [0.5, 1, 2.5, 5, 10, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];
const buckets = [...boundsMs, 20_000].map((_, index) => `latency_bucket_${index}`);
const lowerOf = (/** @type {number} */ index) => (index === 0 ? 0.2 : (boundsMs[index - 1] ?? 0.2));
const upperOf = (/** @type {number} */ index) => boundsMs[index] ?? 20_000;

/** From the fastest to the slowest request that was seen, in powers of ten. @param {Past} past @returns {[number, number]} */
function latencyRange(past) {
  const counts = past.columns(buckets).slice(1);
  const used = counts.flatMap((column, index) => (column.some((value) => (value ?? 0) > 0) ? [index] : []));
  const low = 10 ** Math.floor(Math.log10(lowerOf(used[0] ?? 1)));
  const high = 10 ** Math.ceil(Math.log10(upperOf(used.at(-1) ?? 4)));
  return [low, Math.max(high, low * 100)];
}

/** How the requests of each moment lie over the buckets: the more of them, the darker. @param {any} plot @param {Past} past */
function drawDistribution(plot, past) {
  const [times = [], ...counts] = past.columns(buckets);
  const color = getComputedStyle(document.documentElement).getPropertyValue('--blue').trim();
  const { ctx, bbox } = plot;
  const half = past.stepSeconds / 2;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = color;
  for (const [place, time] of times.entries()) {
    const total = counts.reduce((sum, column) => sum + (column[place] ?? 0), 0);
    if (time === null || total === 0) continue;
    const left = Math.round(plot.valToPos(time - half, 'x', true));
    const width = Math.max(1, Math.round(plot.valToPos(time + half, 'x', true)) - left);
    for (const [index, column] of counts.entries()) {
      const share = (column[place] ?? 0) / total;
      if (share === 0) continue;
      const top = plot.valToPos(upperOf(index), 'y', true);
      const bottom = plot.valToPos(lowerOf(index), 'y', true);
      ctx.globalAlpha = 0.06 + 0.5 * Math.sqrt(share);
      ctx.fillRect(left, top, width, bottom - top);
    }
  }
  ctx.restore();
}

/** Steps of an axis of bytes: 1, 2, 4 ... MiB. */
const roundBytes = Array.from({ length: 24 }, (_, power) => 2 ** (16 + power));

/** @type {Snapshot['scheduler']['changes']} */
let limitChanges = [];

/**
 * Keeps the changes of the limit for the next drawing.
 * @param {Snapshot['scheduler']['changes']} changes
 * @source product contract, Monitoring (`GET /dashboard`: "scheduler")
 */
export function markLimitChanges(changes) {
  limitChanges = changes;
}

/** A mark at the top for each change of the limit: down where it was lowered. @param {any} plot */
function drawLimitChanges(plot) {
  const style = getComputedStyle(document.documentElement);
  const { ctx, bbox } = plot;
  const size = 4 * devicePixelRatio;
  for (const { time, limit, previous } of limitChanges) {
    if (limit === previous) continue;
    const x = plot.valToPos(time, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    const tip = limit < previous ? size * 1.6 : 0;
    ctx.fillStyle = style.getPropertyValue(limit < previous ? '--red' : '--green').trim();
    ctx.beginPath();
    ctx.moveTo(x, bbox.top + tip);
    ctx.lineTo(x - size, bbox.top + size * 1.6 - tip);
    ctx.lineTo(x + size, bbox.top + size * 1.6 - tip);
    ctx.fill();
  }
}

/** @returns {Chart[]} @source story-17.4 AC6; product contract, Monitoring (`GET /dashboard`) */
export function makeCharts() {
  return [
    new Chart({
      id: 'latency',
      title: 'Latency of requests',
      format: milliseconds,
      logRange: latencyRange,
      draw: drawDistribution,
      empty: 'no request in this range of time',
      lines: [
        { label: 'p50', column: 'latency_p50_ms', color: 'green', format: milliseconds },
        { label: 'p95', column: 'latency_p95_ms', color: 'blue', format: milliseconds },
        { label: 'p99', column: 'latency_p99_ms', color: 'amber', format: milliseconds },
      ],
    }),
    new Chart({
      id: 'requests',
      title: 'Requests',
      format: perSecond,
      lines: [
        { label: 'all', column: 'requests_per_second', color: 'blue', fill: true, format: perSecond },
        { label: 'refused (4xx)', column: 'client_errors_per_second', color: 'amber', format: perSecond },
        { label: 'failed (5xx)', column: 'server_errors_per_second', color: 'red', format: perSecond },
      ],
    }),
    new Chart({
      id: 'writes',
      title: 'Canvas writes',
      format: perSecond,
      lines: [
        { label: 'accepted', column: 'writes_per_second', color: 'blue', fill: true, format: perSecond },
        { label: 'files written', column: 'file_writes_per_second', color: 'violet', format: perSecond },
        { label: 'waiting', column: 'pending_writes', color: 'amber', dashed: true, format: count },
      ],
    }),
    new Chart({
      id: 'limit',
      title: 'Scheduler',
      format: number,
      maximum: 4,
      draw: drawLimitChanges,
      lines: [
        { label: 'limit', column: 'scheduler_limit', color: 'blue', stepped: true, format: count },
        { label: 'running', column: 'scheduler_running', color: 'green', fill: true, stepped: true, format: count },
        { label: 'waiting', column: 'scheduler_waiting', color: 'amber', stepped: true, format: count },
      ],
    }),
    new Chart({
      id: 'hit-ratios',
      title: 'Hit ratios',
      format: percent,
      empty: 'no cache was asked in this range of time',
      lines: [
        { label: 'canvases', column: 'hit_ratio.canvas_files', color: 'blue', format: percent },
        { label: 'lists', column: 'hit_ratio.query', color: 'green', format: percent },
        { label: 'vectors', column: 'hit_ratio.embedding', color: 'violet', format: percent },
        { label: 'graph', column: 'hit_ratio.memory_results', color: 'amber', format: percent },
        { label: 'model', column: 'hit_ratio.llm_responses', color: 'red', format: percent },
      ],
    }),
    new Chart({
      id: 'memory-times',
      title: 'Time to answer',
      format: milliseconds,
      empty: 'no memory was asked in this range of time',
      lines: [
        { label: 'graph', column: 'memory_ms.graphiti', color: 'blue', format: milliseconds },
        { label: 'events', column: 'memory_ms.temporal', color: 'green', format: milliseconds },
        { label: 'canvas nodes', column: 'memory_ms.semantic', color: 'violet', format: milliseconds },
      ],
    }),
    new Chart({
      id: 'agent-times',
      title: 'Calls of agents',
      format: milliseconds,
      maximum: 100,
      empty: 'no agent ran in this range of time',
      lines: [{ label: 'mean time', column: 'agent_ms', color: 'violet', format: milliseconds }],
    }),
    new Chart({
      id: 'import-rows',
      title: 'Rows stored',
      format: perSecond,
      lines: [{ label: 'rows', column: 'import_rows_per_second', color: 'green', fill: true, format: perSecond }],
    }),
    new Chart({
      id: 'cpu',
      title: 'Processor',
      format: percent,
      maximum: 1,
      lines: [
        { label: 'machine', column: 'load_cpu', color: 'amber', format: percent },
        { label: 'this process', column: 'cpu', color: 'blue', fill: true, format: percent },
      ],
    }),
    new Chart({
      id: 'memory',
      title: 'Memory',
      format: bytes,
      maximum: 64 * 1048576,
      steps: roundBytes,
      lines: [
        { label: 'process', column: 'rss_bytes', color: 'blue', fill: true, format: bytes },
        { label: 'heap', column: 'heap_bytes', color: 'violet', format: bytes },
      ],
    }),
    new Chart({
      id: 'event-loop',
      title: 'Event loop delay',
      format: milliseconds,
      maximum: 5,
      lines: [
        { label: 'longest', column: 'loop_max_ms', color: 'amber', format: milliseconds },
        { label: 'p99', column: 'loop_p99_ms', color: 'blue', format: milliseconds },
      ],
    }),
  ];
}
