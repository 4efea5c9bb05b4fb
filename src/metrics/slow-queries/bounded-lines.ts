import { appendFile, mkdir, rename, stat } from 'node:fs/promises';
import path from 'node:path';

/** @source issue "a bounded file in DATA_DIR with rotation" */
export interface BoundedLinesOptions {
  /** Absolute path; its folder is created when missing. */
  file: string;
  /** The file is set aside, in the place of the one set aside before, when a line would make it larger than this. */
  maxBytes: number;
}

/**
 * Lines in a file that is never larger than its bound: what is full becomes `name.1.ending`, and the one before goes. One
 * writer; lines are appended, not made durable, and whoever comes after a crash finds at most the last of them cut.
 * @source issue "a bounded file in DATA_DIR with rotation"; logrotate(8)
 */
export class BoundedLines {
  readonly #options: BoundedLinesOptions;
  #bytes: number | undefined;

  constructor(options: BoundedLinesOptions) {
    this.#options = options;
  }

  /** @throws the system's error; the next call begins anew */
  async append(lines: readonly string[]): Promise<void> {
    const { file, maxBytes } = this.#options;
    const text = lines.map((line) => `${line}\n`).join('');
    const bytes = Buffer.byteLength(text);
    try {
      this.#bytes ??= await this.#open();
      if (this.#bytes > 0 && this.#bytes + bytes > maxBytes) {
        await rename(file, this.#setAside());
        this.#bytes = 0;
      }
      await appendFile(file, text);
      this.#bytes += bytes;
    } catch (error) {
      this.#bytes = undefined;
      throw error;
    }
  }

  async #open(): Promise<number> {
    const { file } = this.#options;
    await mkdir(path.dirname(file), { recursive: true });
    const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    return found?.size ?? 0;
  }

  #setAside(): string {
    const { dir, name, ext } = path.parse(this.#options.file);
    return path.join(dir, `${name}.1${ext}`);
  }
}
