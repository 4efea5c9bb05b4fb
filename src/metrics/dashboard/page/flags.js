// The optimisations: a switch, before beside after, what was saved, what was seen, since when and why.

import { ask } from './connection.js';
import { bar, byId, element, fill, setAttribute, setText } from './elements.js';
import { wordsOf } from './flag-words.js';
import { count, milliseconds, moment, number, percent } from './format.js';

/** @typedef {import('../snapshot.js').Snapshot} Snapshot */
/** @typedef {NonNullable<Snapshot['savings']>[string]} Saving */

/**
 * @typedef {{
 *   row: HTMLElement, button: HTMLButtonElement, times: HTMLElement, saved: HTMLElement, effects: HTMLElement,
 *   state: HTMLElement, message: HTMLElement,
 * }} Row
 */

/** @type {Map<string, Row>} */
const rows = new Map();
/** Switches that were pressed and not yet seen to have turned. @type {Map<string, boolean>} */
const pressed = new Map();

/** @param {string} name @returns {Row} */
function makeRow(name) {
  const id = `flag-${name}`;
  const button = element('button', { type: 'button', class: 'switch', role: 'switch', 'aria-labelledby': id });
  const cell = (/** @type {string} */ kind) => element('div', { class: kind });
  const [times, saved, effects, state] = ['times', 'saved', 'effects', 'state'].map(cell);
  const message = element('p', { class: 'message', role: 'alert', hidden: true });
  const isMaster = name === 'all';
  const row = element(
    'li',
    { class: isMaster ? 'flag master' : 'flag' },
    button,
    element(
      'div',
      { class: 'what' },
      element('span', { class: 'name', id }, isMaster ? 'All optimisations' : name),
      element(
        'span',
        { class: 'words' },
        isMaster ? 'The master switch: off, every one works its original way' : wordsOf(name),
      ),
      message,
    ),
    ...(isMaster ? [state] : [times, saved, effects, state]),
  );
  button.addEventListener('click', () => press(name));
  byId('flags').append(row);
  return { row, button, times, saved, effects, state, message };
}

/** @param {string} name */
async function press(name) {
  const row = rows.get(name);
  if (row === undefined || pressed.has(name)) return;
  const enabled = row.button.getAttribute('aria-checked') !== 'true';
  pressed.set(name, enabled);
  row.button.setAttribute('aria-busy', 'true');
  row.message.hidden = true;
  try {
    await ask(`/admin/flags/${name}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ enabled }),
    });
    row.button.setAttribute('aria-checked', String(enabled));
  } catch (error) {
    setText(row.message, `Not switched: ${error instanceof Error ? error.message : error}`);
    row.message.hidden = false;
  } finally {
    pressed.delete(name);
    row.button.removeAttribute('aria-busy');
  }
}

/** @param {Snapshot} snapshot @source story-17.4 AC6; product contract, Promises 7; Monitoring (`GET /dashboard`) */
export function showFlags(snapshot) {
  const { flags, savings, effects, failures, sample_rate: sampleRate, time } = snapshot;
  for (const [name, flag] of Object.entries(flags)) {
    const row = rows.get(name) ?? makeRow(name);
    rows.set(name, row);
    if (!pressed.has(name)) setAttribute(row.button, 'aria-checked', String(flag.enabled));
    row.row.classList.toggle('idle', !flag.effective);
    const since = moment(Date.parse(flag.since) / 1000, time);
    fill(row.state, [flag, since], () => [
      element('strong', { class: flag.effective ? 'on' : 'off' }, flag.effective ? 'on' : 'off'),
      ` since ${since}`,
      element('span', { class: 'reason' }, flag.reason),
    ]);
    if (name === 'all') continue;
    const saving = savings?.[name];
    fill(row.times, saving, () => beforeAndAfter(saving));
    fill(row.saved, [saving, sampleRate], () => savedOf(saving, sampleRate));
    fill(row.effects, [effects[name], saving?.counted, failures[name]], () =>
      effectsOf(effects[name] ?? [], saving?.counted ?? null, failures[name] ?? 0),
    );
  }
  setText(byId('verification'), verificationWords(sampleRate));
}

/** @param {number | null} rate */
function verificationWords(rate) {
  if (rate === null) return 'Not measured both ways.';
  if (rate === 0) return 'Before and after are not being measured: verification.sample_rate is 0.';
  return `Before and after come from the same requests: ${percent(rate)} of them run both ways, off the request’s path (verification.sample_rate).`;
}

/** What is no time is told in numbers; what they are of is said once. @param {number | null} value @param {string} unit */
const amount = (value, unit) => (unit === 'ms' ? milliseconds(value) : number(value));

/** @param {Saving | undefined} saving */
function beforeAndAfter(saving) {
  if (saving === undefined || saving.samples === 0) return [];
  const { baseline, optimized, unit } = saving;
  const most = Math.max(baseline.mean_ms ?? 0, optimized.mean_ms ?? 0) || 1;
  const line = (/** @type {string} */ label, /** @type {Saving['baseline']} */ side, /** @type {string} */ kind) => [
    element('span', { class: 'side' }, label),
    bar((side.mean_ms ?? 0) / most, kind),
    element('span', { class: 'mean' }, amount(side.mean_ms, unit)),
    element('span', { class: 'p95' }, `p95 ${amount(side.p95_ms, unit)}`),
  ];
  return [
    ...line('before', baseline, 'before'),
    ...line('after', optimized, 'after'),
    unit !== 'ms' && element('span', { class: 'unit-words' }, `${unit} each time`),
  ];
}

/** @param {Saving | undefined} saving @param {number | null} sampleRate */
function savedOf(saving, sampleRate) {
  const words = (/** @type {string} */ kind, /** @type {string} */ text) => element('span', { class: kind }, text);
  if (saving === undefined || saving.samples === 0 || saving.saved_ms === null) {
    if (saving?.no_pairs) return [words('none', 'no pairs'), words('basis', saving.no_pairs)];
    const why = sampleRate === 0 ? 'no samples yet: verification.sample_rate is 0' : 'no samples yet';
    return [words('none', why)];
  }
  const { saved_ms: saved, saved_ratio: ratio, interval, samples, distinguishable, unit } = saving;
  const isLoss = distinguishable && saved < 0;
  const ends = (interval ?? []).map((end) => (isLoss ? -end : end)).sort((one, other) => one - other);
  const range = ends.length === 2 ? `${amount(ends[0] ?? 0, unit)} to ${amount(ends[1] ?? 0, unit)}, ` : '';
  const basis = words('basis', `${range}${count(samples)} ${samples === 1 ? 'sample' : 'samples'}`);
  const missing = saving.samples_missing ?? 0;
  const more = missing > 0 ? ` yet: ${count(missing)} ${missing === 1 ? 'sample' : 'samples'} missing` : '';
  if (!distinguishable) return [words('none', `not distinguishable${more}`), basis];
  const share = ratio === null ? '' : ` (${percent(Math.abs(ratio))})`;
  const said = `${isLoss ? 'costs' : 'saves'} ${amount(Math.abs(saved), unit)}${share}`;
  return [words(isLoss ? 'loss' : 'gain', said), basis];
}

const sayEffect = {
  count: number,
  ratio: percent,
  seconds: (/** @type {number} */ value) => milliseconds(value * 1000),
};

/**
 * @param {Snapshot['effects'][string]} effects @param {NonNullable<Saving['counted']> | null} counted
 * @param {number} failures
 */
function effectsOf(effects, counted, failures) {
  const isSaid = effects.some(({ label }) => label.endsWith('saved'));
  return [
    counted !== null &&
      !isSaid &&
      element('span', { class: 'effect' }, `${counted.unit} saved `, element('b', {}, number(counted.saved))),
    ...effects.map(({ label, value, unit }) =>
      element('span', { class: 'effect' }, `${label} `, element('b', {}, sayEffect[unit](value))),
    ),
    failures > 0 &&
      element('span', { class: 'effect loss' }, 'fell back ', element('b', {}, `${count(failures)} times`)),
  ];
}
