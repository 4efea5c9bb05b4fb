// Building and changing the page. Everything goes in as text, so that nothing the service tells can become markup.

/** @typedef {Node | string | null | undefined | false} Child */

const svgNames = new Set(['svg', 'path', 'polyline', 'polygon', 'title']);

/**
 * @param {string} name
 * @param {Record<string, string | number | boolean | undefined>} [attributes] true: there, false or undefined: not there
 * @param {...Child} children
 * @returns {any}
 * @source DOM Standard, "createElement"
 */
export function element(name, attributes = {}, ...children) {
  const made = svgNames.has(name)
    ? document.createElementNS('http://www.w3.org/2000/svg', name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) setAttribute(made, key, value);
  append(made, children);
  return made;
}

/**
 * @param {Element} target
 * @param {string} name
 * @param {string | number | boolean | undefined} value
 * @source DOM Standard, "setAttribute"
 */
export function setAttribute(target, name, value) {
  const text = value === true ? '' : String(value);
  if (value === false || value === undefined) target.removeAttribute(name);
  else if (target.getAttribute(name) !== text) target.setAttribute(name, text);
}

/** @param {Element} target @param {readonly Child[]} children */
function append(target, children) {
  target.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
}

/** @param {string} id @returns {HTMLElement} @source DOM Standard, "getElementById" */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`expected an element ${id}`);
  return found;
}

/**
 * Changes a text only when it differs, so that a selection in it stays.
 * @param {Node} target
 * @param {string} text
 * @source DOM Standard, "textContent"
 */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** @type {WeakMap<Element, string>} */
const shown = new WeakMap();

/**
 * Puts new children in, unless what they are made of is as before.
 * @param {Element} target
 * @param {unknown} from
 * @param {() => Child[]} build
 * @source DOM Standard, "replaceChildren"
 */
export function fill(target, from, build) {
  const key = JSON.stringify(from);
  if (shown.get(target) === key) return;
  shown.set(target, key);
  target.replaceChildren();
  append(target, build());
}

/**
 * A table with a caption for those who do not see it. The first cell of a row is its head.
 * @param {string} caption
 * @param {readonly string[]} heads
 * @param {readonly (readonly Child[])[]} rows
 * @source HTML Standard section 4.9 ("Tabular data")
 */
export function table(caption, heads, rows) {
  return element(
    'table',
    {},
    element('caption', { class: 'unseen' }, caption),
    element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', { scope: 'col' }, head)))),
    element(
      'tbody',
      {},
      ...rows.map(([first, ...rest]) =>
        element('tr', {}, element('th', { scope: 'row' }, first), ...rest.map((cell) => element('td', {}, cell))),
      ),
    ),
  );
}

/** A bar of a length between 0 and 1. @param {number} share @param {string} kind @source product contract, Monitoring (`GET /dashboard`) */
export function bar(share, kind) {
  const inside = element('span', { class: `bar-fill ${kind}` });
  inside.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  return element('span', { class: 'bar', 'aria-hidden': 'true' }, inside);
}

/** What is missing, and why. @param {string} text @source product contract, Promises 7 */
export const missing = (text) => element('p', { class: 'missing' }, text);
