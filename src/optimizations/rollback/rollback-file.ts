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
const fileSchema = z.object({ flags: z.partialRecord(z.enum(flagNames as [FlagName, ...FlagName[]]), recordSchema) });

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
    this.#flags = new Map(Object.entries(this.#read()) as [FlagName, Rollback][]);
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

  #read(): Partial<Record<FlagName, Rollback>> {
    if (this.#file === undefined) return {};
    try {
      return fileSchema.parse(JSON.parse(readFileSync(this.#file, 'utf8'))).flags;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
      this.#logger.warn({ err: error }, 'what was turned off by auto_rollback before cannot be read');
      return {};
    }
  }

  #write(): void {
    if (this.#file === undefined) return;
    const temporary = `${this.#file}.tmp`;
    try {
      mkdirSync(path.dirname(this.#file), { recursive: true });
      const descriptor = openSync(temporary, 'w', 0o600);
      try {
        writeFileSync(descriptor, `${JSON.stringify({ flags: Object.fromEntries(this.#flags) }, null, 2)}\n`);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      renameSync(temporary, this.#file);
    } catch (error) {
      this.#logger.error({ err: error }, 'what auto_rollback turned off cannot be kept for the next start');
    }
  }
}
