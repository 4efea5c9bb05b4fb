// The page: connects, and shows each snapshot.

import { redrawAll } from './chart.js';
import { makeCharts, markLimitChanges } from './charts.js';
import { dropToken, follow, hasToken, keepToken } from './connection.js';
import { byId, setText } from './elements.js';
import { showFlags } from './flags.js';
import { duration } from './format.js';
import { Past } from './past.js';
import { showSections } from './sections.js';
import { makeTiles } from './tiles.js';

/** @typedef {import('../snapshot.js').Snapshot} Snapshot */
/** @typedef {import('../../history/history.js').HistoryRange} HistoryRange */

const past = new Past();
const charts = makeCharts();
const tiles = makeTiles(byId('tiles'));
const ranges = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll('[data-range]')]);
/** @type {Snapshot | undefined} */
let latest;
/** Why the charts have no past, if the last asking for it failed. @type {string | undefined} */
let pastFault;

/** @param {'live' | 'wait' | 'lost'} state @param {string} text */
function sayState(state, text) {
  byId('state').className = state;
  setText(byId('state'), text);
}

/** @param {string} why */
const sayNoPast = (why) => sayState('wait', `no past to show: ${why}; trying again`);

function showPast() {
  for (const chart of charts) chart.show(past);
  if (latest !== undefined) tiles.show(latest, past);
}

/** @param {HistoryRange} range */
async function load(range) {
  for (const button of ranges) button.setAttribute('aria-pressed', String(button.dataset.range === range));
  pastFault = undefined;
  try {
    await past.load(range);
  } catch (error) {
    pastFault = error instanceof Error ? error.message : String(error);
    sayNoPast(pastFault);
  }
  showPast();
}

/** @param {Snapshot} snapshot */
function onSnapshot(snapshot) {
  latest = snapshot;
  past.carryOn(snapshot.time, snapshot.points[past.range]);
  markLimitChanges(snapshot.scheduler.changes);
  if (pastFault === undefined) sayState('live', 'live');
  else {
    sayNoPast(pastFault);
    void load(past.range);
  }
  setText(byId('about'), `version ${snapshot.version}, up ${duration(snapshot.time - snapshot.started)}`);
  showFlags(snapshot);
  showSections(snapshot);
  showPast();
  document.body.removeAttribute('aria-busy');
}

/** Asks for the token, and resolves once there is one. @returns {Promise<void>} */
function onTokenWanted() {
  const dialog = /** @type {HTMLDialogElement} */ (byId('token-dialog'));
  const input = /** @type {HTMLInputElement} */ (byId('token'));
  byId('token-refused').hidden = !hasToken();
  dropToken();
  sayState('wait', 'waiting for the token');
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      'close',
      () => {
        if (input.value !== '') keepToken(input.value.trim());
        input.value = '';
        resolve();
      },
      { once: true },
    );
  });
}

for (const button of ranges) {
  button.addEventListener('click', () => {
    const range = /** @type {HistoryRange} */ (button.dataset.range);
    void load(range);
  });
}
byId('token-form').addEventListener('submit', (event) => {
  event.preventDefault();
  /** @type {HTMLDialogElement} */ (byId('token-dialog')).close();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redrawAll);

void follow({
  onOpen: () => void load(past.range),
  onSnapshot,
  onLost: (retryInMs, why) => sayState('lost', `${why}; trying again in ${duration(retryInMs / 1000)}`),
  onTokenWanted,
});
