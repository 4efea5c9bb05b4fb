/**
 * Which flags were turned off by the service itself, when and why, kept across restarts. What cannot be read or written is
 * said in the log; the flags themselves go by what is in memory.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Logger } from '../../logger.js';
import { type FlagName, flagNames } from '../flag-settings.js';

const recordSchema = z.object({
  at: z.iso.datetime(),
  cause: z.enum(['mismatch', 'failures']),
  reason: z.string().max(2000),
  /** Whether the configuration file says it too: then the file decides, and turning the flag on there ends it. */
  inFile: z.boolean(),
});
/** Each by itself: one that an older or newer release wrote in its own way does not undo the others. */
const fileSchema = z.object({ flags: z.record(z.string(), z.unknown()) });

/**
 * One flag that the service turned off.
 * @source product contract, Optimisations (`auto_rollback`)
 */
export type Rollback = z.infer<typeof recordSchema>;

/**
 * The rollbacks that hold, in memory and in their file.
 * @source product contract, Optimisations (`auto_rollback`)
 */
export class Rollbacks {
  readonly #file: string | undefined;
  readonly #logger: Logger;
  readonly #flags: Map<FlagName, Rollback>;

  /** @param file undefined: in memory only */
  constructor(file: string | undefined, logger: Logger) {
    this.#file = file;
    this.#logger = logger;
    this.#flags = this.#read();
  }

  get(flag: string): Rollback | undefined {
    return this.#flags.get(flag as FlagName);
  }

  entries(): [FlagName, Rollback][] {
    return [...this.#flags];
  }

  set(flag: FlagName, rollback: Rollback): void {
    this.#flags.set(flag, rollback);
    this.#write();
  }

  delete(flag: FlagName): void {
    if (this.#flags.delete(flag)) this.#write();
  }

  #read(): Map<FlagName, Rollback> {
    const read = new Map<FlagName, Rollback>();
    if (this.#file === undefined) return read;
    try {
      const { flags } = fileSchema.parse(JSON.parse(readFileSync(this.#file, 'utf8')));
      for (const [name, value] of Object.entries(flags)) {
        const flag = flagNames.find((known) => known === name);
        const record = recordSchema.safeParse(value);
        if (flag && record.success) read.set(flag, record.data);
        else this.#logger.warn({ flag: name }, 'what auto_rollback once noted of this flag cannot be read');
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return read;
      this.#logger.warn({ err: error }, 'what was turned off by auto_rollback before cannot be read');
    }
    return read;
  }

  #write(): void {
    if (this.#file === undefined) return;
    const temporary = `${this.#file}.tmp`;
    try {
      mkdirSync(path.dirname(this.#file), { recursive: true });
      writeFileSync(temporary, `${JSON.stringify({ flags: Object.fromEntries(this.#flags) }, null, 2)}\n`, {
        mode: 0o600,
        flush: true,
      });
      renameSync(temporary, this.#file);
      flushFolder(path.dirname(this.#file));
    } catch (error) {
      this.#logger.error({ err: error }, 'what auto_rollback turned off cannot be kept for the next start');
    }
  }
}

/** Else a power cut could undo the rename. */
function flushFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
