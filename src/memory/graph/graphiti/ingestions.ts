/**
 * What a Graphiti server has accepted and not stored yet. It works its queue off in its own time, tells nobody, and may
 * lose a message without a word; so its list of episodes is asked, again and again, until the message is there or is
 * given up. Forgotten when the process ends.
 */
import type { After } from '../../../scheduler/index.js';

/** @source Graphiti repository, server/graph_service/routers/ingest.py (AsyncWorker) */
export interface IngestionsOptions {
  /** Names of the newest episodes of a group. */
  namesOf(groupId: string, lastN: number): Promise<ReadonlySet<string>>;
  after: After;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  onEnd(groupId: string, outcome: 'stored' | 'lost', durationSeconds: number): void;
}

/** @source Graphiti repository, server/graph_service/routers/ingest.py (202 is not "stored") */
export interface Ingestions {
  /** A message of this name was accepted. */
  expect(groupId: string, name: string): void;
  /** None: of any group. */
  isPending(groupIds: readonly string[]): boolean;
  close(): void;
}

const firstDelayMs = 1000;
const maxDelayMs = 15_000;
const givenUpMs = 10 * 60_000;
const maxPending = 10_000;
/** Others may write to the same group. */
const spareEpisodes = 50;
const maxEpisodes = 1000;

/** @source Graphiti repository, server/graph_service/routers/ingest.py (202 is not "stored") */
export function createIngestions({ namesOf, after, now, onEnd }: IngestionsOptions): Ingestions {
  const pending = new Map<string, { groupId: string; since: number }>();
  let cancel: (() => void) | undefined;
  let delayMs = firstDelayMs;
  let isClosed = false;

  function end(name: string, outcome: 'stored' | 'lost'): void {
    const { groupId, since } = pending.get(name)!;
    pending.delete(name);
    onEnd(groupId, outcome, (now() - since) / 1000);
  }

  async function look(): Promise<void> {
    const groups = new Set([...pending.values()].map(({ groupId }) => groupId));
    for (const groupId of groups) {
      const waiting = [...pending].filter(([, each]) => each.groupId === groupId);
      const lastN = Math.min(maxEpisodes, waiting.length + spareEpisodes);
      // A server that is away says nothing about what it has.
      const names = await namesOf(groupId, lastN).catch(() => new Set<string>());
      for (const [name] of waiting) if (names.has(name) && pending.has(name)) end(name, 'stored');
    }
    for (const [name, { since }] of [...pending]) if (now() - since >= givenUpMs) end(name, 'lost');
  }

  function schedule(): void {
    if (isClosed || cancel || pending.size === 0) return;
    cancel = after(delayMs, () => {
      delayMs = Math.min(maxDelayMs, delayMs * 1.5);
      void look().finally(() => {
        cancel = undefined;
        schedule();
      });
    });
  }

  return {
    expect(groupId, name) {
      const [oldest] = pending.keys();
      if (pending.size >= maxPending && oldest !== undefined) end(oldest, 'lost');
      pending.set(name, { groupId, since: now() });
      delayMs = firstDelayMs;
      schedule();
    },
    isPending(groupIds) {
      if (pending.size === 0 || groupIds.length === 0) return pending.size > 0;
      for (const { groupId } of pending.values()) if (groupIds.includes(groupId)) return true;
      return false;
    },
    close() {
      isClosed = true;
      cancel?.();
    },
  };
}
