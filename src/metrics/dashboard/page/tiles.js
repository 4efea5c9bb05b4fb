// The six figures at the top: the last minute in a number, the range of time in a line.

import { element, setAttribute, setText } from './elements.js';
import { bytes, count, milliseconds, percent, perSecond, space } from './format.js';

/** @typedef {import('../snapshot.js').Snapshot} Snapshot */
/** @typedef {Snapshot['now']} Now */
/** @typedef {import('./past.js').Past} Past */

/**
 * @typedef {{
 *   label: string, column: string, value: (now: Now) => string, beside: (now: Now) => string,
 *   isBad?: (now: Now) => boolean,
 * }} Tile
 */

const someErrors = 0.01;
const busy = 0.95;

/** @type {readonly Tile[]} */
const tiles = [
  {
    label: 'Requests',
    column: 'requests_per_second',
    value: (now) => perSecond(now.requests_per_second),
    beside: (now) => `${count(now.concurrent)} in progress`,
  },
  {
    label: 'Latency, p95',
    column: 'latency_p95_ms',
    value: (now) => milliseconds(now.latency_p95_ms),
    beside: (now) => `mean ${milliseconds(now.latency_mean_ms)}, p99 ${milliseconds(now.latency_p99_ms)}`,
  },
  {
    label: 'Errors (5xx)',
    column: 'error_ratio',
    value: (now) => percent(now.error_ratio),
    beside: (now) => `refused (4xx) ${percent(now.client_error_ratio)}`,
    isBad: (now) => (now.error_ratio ?? 0) > someErrors,
  },
  {
    label: 'Canvas cache hits',
    column: 'hit_ratio.canvas_files',
    value: (now) => percent(now['hit_ratio.canvas_files']),
    beside: (now) => (now['hit_ratio.canvas_files'] == null ? 'not asked in the last minute' : `target 80${space}%`),
  },
  {
    label: 'Processor',
    column: 'load_cpu',
    value: (now) => percent(now.load_cpu),
    beside: (now) => `this process ${percent(now.cpu)}`,
    isBad: (now) => (now.load_cpu ?? 0) > busy,
  },
  {
    label: 'Memory',
    column: 'rss_bytes',
    value: (now) => bytes(now.rss_bytes),
    beside: (now) => `event loop p99 ${milliseconds(now.loop_p99_ms)}`,
  },
];

/** @param {HTMLElement} parent @source story-17.4 AC6; product contract, Monitoring (`GET /dashboard`) */
export function makeTiles(parent) {
  const made = tiles.map((tile) => {
    const number = element('span', { class: 'number' });
    const unit = element('span', { class: 'unit' });
    const beside = element('p', { class: 'beside' });
    const line = element('polyline', { class: 'spark-line' });
    const area = element('polygon', { class: 'spark-area' });
    const spark = element(
      'svg',
      { class: 'spark', viewBox: '0 0 100 24', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
      area,
      line,
    );
    const card = element(
      'div',
      { class: 'card tile' },
      element('h2', {}, tile.label),
      element('p', { class: 'figure' }, number, unit),
      beside,
      spark,
    );
    parent.append(card);
    return { tile, card, number, unit, beside, line, area };
  });

  return {
    /** @param {Snapshot} snapshot @param {Past} past */
    show({ now }, past) {
      for (const { tile, card, number, unit, beside, line, area } of made) {
        const [value = '', ofWhat = ''] = tile.value(now).split(space);
        setText(number, value);
        setText(unit, ofWhat);
        setText(beside, tile.beside(now));
        card.classList.toggle('bad', tile.isBad?.(now) ?? false);
        const points = sparkPoints(past, tile.column);
        setAttribute(line, 'points', points);
        setAttribute(area, 'points', points === '' ? '' : areaUnder(points));
      }
    },
  };
}

/** @param {Past} past @param {string} column */
function sparkPoints(past, column) {
  const [times = [], values = []] = past.columns([column]);
  const highest = Math.max(...values.map((value) => value ?? 0), Number.MIN_VALUE);
  const { from, now } = past;
  return values
    .flatMap((value, index) => {
      const x = (100 * ((times[index] ?? 0) - from)) / (now - from);
      return value === null || x < 0 ? [] : [`${x.toFixed(1)},${(23 - (21 * value) / highest).toFixed(1)}`];
    })
    .join(' ');
}

/** @param {string} points */
function areaUnder(points) {
  const first = points.slice(0, points.indexOf(','));
  const last = points.slice(points.lastIndexOf(' ') + 1).split(',')[0];
  return `${first},24 ${points} ${last},24`;
}
