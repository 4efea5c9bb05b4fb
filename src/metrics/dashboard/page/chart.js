// One chart over time: a plot, a legend with the values under the cursor, and the keys to move it.

import { element, setText } from './elements.js';
import { moment, timeOfDay } from './format.js';

/** @typedef {import('./past.js').Past} Past */
/** @typedef {typeof import('uplot')} UPlot */

/**
 * - `color`: name of a custom property of the style sheet, without its dashes.
 * @typedef {{
 *   label: string, column: string, color: string, fill?: boolean, stepped?: boolean, dashed?: boolean,
 *   format: (value: number | null | undefined) => string,
 * }} Line
 */

/**
 * - `steps`: what the axis may go up by.
 * - `maximum`: the least that the axis reaches to, so that a calm chart does not look wild.
 * - `draw`: what is drawn under the lines, from further columns.
 * @typedef {{
 *   id: string, title: string, lines: readonly Line[], format: (value: number) => string, maximum?: number,
 *   steps?: readonly number[], logRange?: (past: Past) => [low: number, high: number], draw?: (plot: any, past: Past) => void, empty?: string,
 * }} ChartOptions
 */

const axisFont = '11px system-ui, sans-serif';

/** @param {string} name */
const colorOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** @type {Set<Chart>} */
const charts = new Set();

/** Draws every chart anew: with the colours of the other theme. @source Media Queries Level 5, "prefers-color-scheme" */
export function redrawAll() {
  for (const chart of charts) chart.rebuild();
}

/** A chart over time, read by mouse, finger or arrow keys. @source uPlot documentation; product contract, Monitoring (`GET /dashboard`) */
export class Chart {
  #options;
  /** @type {any} */
  #plot;
  /** @type {Past | undefined} */
  #past;
  #area = element('div', { class: 'plot' });
  #values;
  #when = element('span', { class: 'when' });
  #empty;

  /** @param {ChartOptions} options */
  constructor(options) {
    this.#options = options;
    const figure = document.getElementById(options.id);
    if (figure === null) throw new Error(`expected a figure ${options.id}`);
    this.#values = options.lines.map(() => element('span', { class: 'value' }));
    this.#empty = element('p', { class: 'missing over', hidden: true }, options.empty ?? 'nothing measured yet');
    const keys = options.lines.map((line, index) =>
      element(
        'li',
        {},
        element('span', { class: `swatch ${line.dashed ? 'dashed' : ''} c-${line.color}`, 'aria-hidden': 'true' }),
        `${line.label} `,
        this.#values[index],
      ),
    );
    const heading = element('figcaption', {}, element('h2', {}, options.title), this.#when);
    figure.replaceChildren(heading, element('ul', { class: 'legend' }, ...keys), this.#area);
    this.#area.append(this.#empty);
    figure.tabIndex = 0;
    figure.setAttribute('aria-label', `${options.title}: arrow keys read the values`);
    figure.addEventListener('keydown', (event) => this.#onKey(event));
    figure.addEventListener('blur', () => this.#plot?.setCursor({ left: -10, top: -10 }));
    new ResizeObserver(() => this.#plot?.setSize(this.#size())).observe(this.#area);
    charts.add(this);
  }

  /** @param {Past} past */
  show(past) {
    this.#past = past;
    const data = past.columns(this.#options.lines.map(({ column }) => column));
    const isEmpty = !data.slice(1).some((values) => values.some((value) => value !== null));
    this.#empty.hidden = !isEmpty;
    this.#area.classList.toggle('bare', isEmpty);
    if (this.#plot === undefined) this.#build(data);
    else this.#plot.setData(data);
    this.#tell();
  }

  rebuild() {
    this.#plot?.destroy();
    this.#plot = undefined;
    if (this.#past !== undefined) this.show(this.#past);
  }

  #size() {
    return { width: Math.max(120, this.#area.clientWidth), height: Math.max(80, this.#area.clientHeight) };
  }

  /** @param {(number | null)[][]} data */
  #build(data) {
    const uPlot = /** @type {UPlot} */ (/** @type {any} */ (globalThis).uPlot);
    const { lines, format, maximum = 1, steps, logRange, draw } = this.#options;
    const past = () => /** @type {Past} */ (this.#past);
    const axis = {
      stroke: colorOf('dim'),
      font: axisFont,
      grid: { stroke: colorOf('grid'), width: 1 },
      ticks: { show: false },
    };
    const y = logRange
      ? { distr: 3, range: () => logRange(past()) }
      : {
          range: (/** @type {any} */ _u, /** @type {number} */ _low, /** @type {number} */ high) => [
            0,
            Math.max(maximum, (high ?? 0) * 1.08),
          ],
        };
    const options = {
      ...this.#size(),
      legend: { show: false },
      padding: [8, 20, 0, 0],
      cursor: {
        y: false,
        drag: { x: false, y: false },
        points: { size: 6 },
        sync: { key: 'time' },
      },
      scales: { x: { time: true, range: () => [past().from, past().now] }, y },
      axes: [
        {
          ...axis,
          space: 64,
          size: 28,
          values: (/** @type {any} */ _u, /** @type {number[]} */ ticks) =>
            ticks.map((tick) =>
              timeOfDay(
                tick,
                ticks.some((other) => other % 60 !== 0),
              ),
            ),
        },
        {
          ...axis,
          size: 60,
          space: 32,
          ...(steps && { incrs: steps }),
          values: (/** @type {any} */ _u, /** @type {(number | null)[]} */ ticks) =>
            ticks.map((tick) => (tick === null ? '' : format(tick))),
        },
      ],
      series: [
        {},
        ...lines.map((line) => ({
          label: line.label,
          stroke: colorOf(line.color),
          width: 1.75,
          ...(line.fill && { fill: `color-mix(in srgb, ${colorOf(line.color)} 14%, transparent)` }),
          ...(line.dashed && { dash: [5, 4] }),
          ...(line.stepped && { paths: uPlot.paths.stepped?.({ align: 1 }) }),
          points: { show: (/** @type {any} */ u, /** @type {number} */ index) => isAlone(u.data[index]), size: 4 },
        })),
      ],
      hooks: {
        drawAxes: [(/** @type {any} */ u) => draw?.(u, past())],
        setCursor: [() => this.#tell()],
      },
    };
    this.#plot = new uPlot(/** @type {any} */ (options), /** @type {any} */ (data), this.#area);
  }

  /** Writes the values under the cursor, or the newest, into the legend. */
  #tell() {
    if (this.#plot === undefined) return;
    const { data, cursor } = this.#plot;
    const index = cursor.idx ?? data[0].length - 1;
    for (const [line, value] of this.#values.entries()) {
      setText(value, this.#options.lines[line]?.format(data[line + 1]?.[index]) ?? '');
    }
    const time = data[0][index];
    setText(this.#when, cursor.idx == null || time === undefined ? '' : moment(time, this.#past?.now ?? time));
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (this.#plot === undefined || (step === undefined && event.key !== 'Escape')) return;
    event.preventDefault();
    const times = this.#plot.data[0];
    const at = Math.max(0, Math.min(times.length - 1, (this.#plot.cursor.idx ?? times.length) + (step ?? 0)));
    const left = event.key === 'Escape' ? -10 : this.#plot.valToPos(times[at], 'x');
    this.#plot.setCursor({ left, top: 10 });
  }
}

/** A value without neighbours makes no line: it is shown as a point. @param {(number | null)[]} values */
function isAlone(values) {
  return values.every((value, index) => value === null || (values[index - 1] ?? values[index + 1] ?? null) === null);
}
