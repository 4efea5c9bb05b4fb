import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { createLogger } from '../../src/logger.js';
import { type Clock, type FlagEvent, type Flags, type FlagsOptions, openFlags } from '../../src/optimizations/index.js';
import { temporaryFolder } from '../support/folder.js';

/** Time that moves only when told to; repeated tasks run on their way. */
export class ManualClock implements Clock {
  #now = Date.parse('2026-01-01T00:00:00Z');
  readonly #tasks = new Set<{ task: () => void; intervalMs: number; dueAt: number }>();

  now(): number {
    return this.#now;
  }

  get running(): number {
    return this.#tasks.size;
  }

  every(intervalMs: number, task: () => void): () => void {
    const entry = { task, intervalMs, dueAt: this.#now + intervalMs };
    this.#tasks.add(entry);
    return () => this.#tasks.delete(entry);
  }

  pass(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const next = [...this.#tasks].sort((a, b) => a.dueAt - b.dueAt)[0];
      if (!next || next.dueAt > end) break;
      this.#now = next.dueAt;
      next.dueAt += next.intervalMs;
      next.task();
    }
    this.#now = end;
  }
}

export interface TestFlags {
  flags: Flags;
  file: string;
  clock: ManualClock;
  events: FlagEvent[];
  /** The log's lines so far, parsed. */
  lines(): Record<string, unknown>[];
  write(text: string): void;
  /** Lets the time pass within which a change must be live. */
  settle(): void;
}

/** Flags over a file of the test's own; `text` undefined means that there is none. */
export async function openTestFlags(
  text: string | undefined,
  file?: string,
  options: Partial<FlagsOptions> = {},
): Promise<TestFlags> {
  const target = file ?? path.join(await temporaryFolder(), 'optimization.yaml');
  if (text !== undefined && !existsSync(target)) writeFileSync(target, text);
  const clock = new ManualClock();
  const events: FlagEvent[] = [];
  const logged: string[] = [];
  const logger = createLogger('debug', { write: (line: string) => void logged.push(line) });
  const flags = openFlags({ path: target, logger, clock, onEvent: (event) => void events.push(event), ...options });
  onTestFinished(() => flags.close());
  return {
    flags,
    file: target,
    clock,
    events,
    lines: () => logged.map((line) => JSON.parse(line) as Record<string, unknown>),
    write: (next) => writeFileSync(target, next),
    settle: () => clock.pass(2000),
  };
}
