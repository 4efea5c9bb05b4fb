/**
 * How much one other server takes at once, learnt from its answers. It begins low and grows by one with every other
 * success while it is used. A refusal for being busy tells the number exactly: as many as were under way when it was sent,
 * and were not refused, are accepted. Those may have been answered meanwhile, all at once.
 * From then on one more is tried now and then, less often each time that is refused. While a server wants to be left
 * alone nothing is sent, but for one that tries each minute: it may be well long before the time it named.
 */
import type { UpstreamEvent } from '../../upstream/index.js';

/**
 * What is learnt from: the end of a try, and before it the first event of a stream.
 * @source story-17.4 ADR-0009
 */
export type UpstreamAnswer = Extract<UpstreamEvent, { type: 'attempt' | 'answering' }>;

/**
 * Why the limit of another server changed: it was busy; it was too slow to answer in time; answers came, and more was
 * asked for (`grown`); one more is tried above what it once refused (`probe`); the settings allow no more (`setting`).
 * @source story-17.4 task 3
 */
export type UpstreamLimitReason = 'busy' | 'timeout' | 'grown' | 'probe' | 'setting';

/** At first the limit grows by half a round of answers: each refusal costs its task a try and a pause. */
const answersPerStep = 2;
const firstProbeMs = 5000;
const lastProbeMs = 60_000;
/** However long the server asked to be left alone, one is sent after this. */
const maxPauseMs = 60_000;
/** While answers are this much slower than they used to be, the server queues: more at once would not help. */
const slowRatio = 2;
const recentWeight = 0.2;
const usualWeight = 0.02;
/** Several answers may arrive before the next tasks are sent. */
const usedShare = 0.75;

/**
 * @source story-17.4 task 3 ("the model endpoint's own answers"); RFC 6585 section 4; RFC 9110 section 10.2.3
 */
export interface UpstreamCapacity {
  readonly limit: number;
  /** Why it last changed; undefined before that. */
  readonly reason: UpstreamLimitReason | undefined;
  /** Until when nothing is sent; in the past when the server may be asked. */
  readonly pausedUntilMs: number;
  /** Until when the server asked to be left alone; in the past when it did not, and once it has answered again. */
  readonly askedUntilMs: number;
  /** One is sent: while the server wants to be left alone, the only one for a while. */
  sent(nowMs: number): void;
  observe(event: UpstreamAnswer, nowMs: number, maxLimit: number): void;
}

/**
 * @param startLimit how much is sent before anything is known
 * @source story-17.4 task 3; Jacobson and Karels (1988), slow start
 */
export function createUpstreamCapacity(startLimit: number): UpstreamCapacity {
  let limit = startLimit;
  let reason: UpstreamLimitReason | undefined;
  let isStarting = true;
  let grown = 0;
  let pausedUntilMs = Number.NEGATIVE_INFINITY;
  let askedUntilMs = Number.NEGATIVE_INFINITY;
  let pausedAtMs = Number.NEGATIVE_INFINITY;
  let nextProbeMs = 0;
  let probeMs = firstProbeMs;
  let isProbing = false;
  let recentSeconds: number | undefined;
  let usualSeconds = 0;

  const change = (to: number, why: UpstreamLimitReason) => {
    if (to !== limit) reason = why;
    limit = to;
  };
  const lower = (to: number, now: number, why: UpstreamLimitReason) => {
    isStarting = false;
    change(Math.max(1, Math.min(limit, to)), why);
    probeMs = isProbing ? Math.min(lastProbeMs, probeMs * 2) : probeMs;
    isProbing = false;
    nextProbeMs = now + probeMs;
  };

  const pause = (now: number, untilMs: number) => {
    pausedAtMs = now;
    askedUntilMs = untilMs;
    pausedUntilMs = Math.min(untilMs, now + maxPauseMs);
  };

  return {
    get limit() {
      return limit;
    },
    get reason() {
      return reason;
    },
    get pausedUntilMs() {
      return pausedUntilMs;
    },
    get askedUntilMs() {
      return askedUntilMs;
    },
    sent(now) {
      if (now < askedUntilMs) pausedUntilMs = now + maxPauseMs;
    },
    observe(event, now, max) {
      const { durationSeconds, othersRunning } = event;
      if (limit > max) change(max, 'setting');
      const outcome = event.type === 'answering' ? 'ok' : event.outcome;
      // What was sent before the server asked to be left alone says nothing about the time after.
      const isNewer = now - durationSeconds * 1000 >= pausedAtMs;
      if (outcome === 'ok' && isNewer) pausedUntilMs = askedUntilMs = Number.NEGATIVE_INFINITY;
      if (event.type === 'attempt' && outcome === 'busy') {
        const { retryAfterSeconds } = event;
        lower(event.othersAccepted ?? othersRunning, now, 'busy');
        if (retryAfterSeconds !== undefined) {
          const untilMs = now + retryAfterSeconds * 1000;
          pause(now, isNewer ? untilMs : Math.max(askedUntilMs, untilMs));
        }
      } else if (outcome === 'timeout') {
        if (now >= nextProbeMs || isStarting) lower(Math.ceil(limit / 2), now, 'timeout');
      } else if (outcome === 'ok') {
        // A stream was learnt from when it began: how long it goes on says how much there was to tell.
        if (event.type === 'attempt' && event.isStream) return;
        recentSeconds ??= usualSeconds = durationSeconds;
        recentSeconds += (durationSeconds - recentSeconds) * recentWeight;
        usualSeconds += (durationSeconds - usualSeconds) * usualWeight;
        const isUsed = othersRunning + 1 >= limit * usedShare;
        const isSlow = recentSeconds > usualSeconds * slowRatio;
        if (!isUsed || isSlow) return;
        if (isStarting) {
          grown++;
          if (grown < answersPerStep) return;
          grown = 0;
          change(Math.min(max, limit + 1), 'grown');
        } else if (now >= nextProbeMs) {
          // The one tried before was taken: look for the next one sooner.
          if (isProbing) probeMs = firstProbeMs;
          isProbing = true;
          change(Math.min(max, limit + 1), 'probe');
          nextProbeMs = now + probeMs;
        }
      }
    },
  };
}
