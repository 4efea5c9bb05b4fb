// The way to the service: requests with the token, where there is one, and the stream of snapshots. The browser's own
// EventSource cannot send a token; this one can, and comes back by itself after a pause that grows.

/** @typedef {import('../snapshot.js').Snapshot} Snapshot */

const tokenKey = 'canvas-learning-backend token';
const firstPauseMs = 1000;
const longestPauseMs = 15_000;
/** Longer than the heartbeat of the stream. */
const silenceMs = 20_000;

/** The service wants a token, or another one. @source RFC 6750 section 3 */
export class TokenWanted extends Error {
  constructor() {
    super('the service asks for a token, or for another one');
  }
}

/** The token stays until the tab is closed. @source HTML Standard, "sessionStorage" */
export const hasToken = () => sessionStorage.getItem(tokenKey) !== null;
/** @param {string} token @source HTML Standard, "sessionStorage" */
export const keepToken = (token) => sessionStorage.setItem(tokenKey, token);
/** @source HTML Standard, "sessionStorage" */
export const dropToken = () => sessionStorage.removeItem(tokenKey);

/**
 * @param {string} url
 * @param {RequestInit} [options]
 * @returns {Promise<Response>} an answer that is no error
 * @source RFC 6750 section 2.1; RFC 9457
 */
export async function ask(url, options = {}) {
  const headers = new Headers(options.headers);
  const token = sessionStorage.getItem(tokenKey);
  if (token !== null) headers.set('authorization', `Bearer ${token}`);
  const answer = await fetch(url, { ...options, headers });
  if (answer.status === 401) throw new TokenWanted();
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail ?? `${url} answered ${answer.status}`);
  }
  return answer;
}

/**
 * The data of each event of a stream.
 * @param {ReadableStream<Uint8Array>} body
 * @param {() => void} onNews whenever anything came, a sign of life included
 * @source HTML Standard section 9.2.6
 */
export async function* eventsOf(body, onNews) {
  const reader = body.pipeThrough(/** @type {any} */ (new TextDecoderStream())).getReader();
  let waiting = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onNews();
    const blocks = (waiting + value).split('\n\n');
    waiting = blocks.pop() ?? '';
    for (const block of blocks) {
      const lines = block.split('\n').filter((line) => line.startsWith('data: '));
      if (lines.length > 0) yield lines.map((line) => line.slice(6)).join('\n');
    }
  }
}

/**
 * Follows the service until the page goes. While nobody looks at the page it rests.
 * @param {{
 *   onOpen: () => void,
 *   onSnapshot: (snapshot: Snapshot) => void,
 *   onLost: (retryInMs: number, why: string) => void,
 *   onTokenWanted: () => Promise<void>,
 * }} listeners
 * @source HTML Standard section 9.2 ("Server-sent events")
 */
export async function follow({ onOpen, onSnapshot, onLost, onTokenWanted }) {
  let pauseMs = firstPauseMs;
  for (;;) {
    const stop = new AbortController();
    const rest = () => document.hidden && stop.abort('nobody looks');
    let silence = 0;
    const heard = () => {
      clearTimeout(silence);
      silence = window.setTimeout(() => stop.abort('no sign of life'), silenceMs);
    };
    document.addEventListener('visibilitychange', rest);
    try {
      const answer = await ask('/dashboard/events', { signal: stop.signal });
      heard();
      onOpen();
      for await (const data of eventsOf(/** @type {ReadableStream<Uint8Array>} */ (answer.body), heard)) {
        pauseMs = firstPauseMs;
        onSnapshot(JSON.parse(data));
      }
      throw new Error('the service closed the connection');
    } catch (error) {
      if (error instanceof TokenWanted) await onTokenWanted();
      else if (document.hidden) await becomesVisible();
      else {
        onLost(pauseMs, error instanceof Error && error.name !== 'TypeError' ? error.message : 'no answer');
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
        pauseMs = Math.min(longestPauseMs, pauseMs * 2);
      }
    } finally {
      clearTimeout(silence);
      document.removeEventListener('visibilitychange', rest);
    }
  }
}

function becomesVisible() {
  return new Promise((resolve) => document.addEventListener('visibilitychange', resolve, { once: true }));
}
