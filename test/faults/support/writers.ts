/** Clients that write without a break, and write down what they sent and were promised. */
import { editText } from './canvas-text.js';
import { canvasUrl, type HttpAnswer } from './http-client.js';
import { pause, type Random } from './scale.js';
import type { RunningService } from './service.js';
import type { Write, WriteBook } from './write-book.js';

/** Sends one write; what it comes to is in the book. Undefined when there was no answer. */
export async function sendWrite(
  service: RunningService,
  book: WriteBook,
  write: Write,
): Promise<HttpAnswer | undefined> {
  let answer: HttpAnswer;
  try {
    answer =
      write.kind === 'put'
        ? await service.client.put(write.name, book.textOf(write))
        : await service.client.request('PATCH', `${canvasUrl(write.name)}/nodes/edit`, {
            body: JSON.stringify({ text: editText(write.number) }),
            headers: { 'content-type': 'application/merge-patch+json' },
          });
  } catch {
    return undefined;
  }
  if (answer.status === 200 || answer.status === 201) book.acknowledge(write);
  else book.refuse(write);
  return answer;
}

export interface WritersOptions {
  writers: number;
  /** Canvases with their sizes in bytes. */
  canvases: readonly { name: string; bytes: number }[];
  random: Random;
  /** Whether some writes change one node only. */
  edits: boolean;
}

/** @returns what ends the writers: kept when each has its answer, or none */
export function startWriters(service: RunningService, book: WriteBook, options: WritersOptions): () => Promise<void> {
  const { canvases, random } = options;
  let isOver = false;
  const run = async () => {
    while (!isOver) {
      const { name, bytes } = random.pick(canvases);
      const isEdit = options.edits && book.hasPromise(name) && random.fraction() < 0.4;
      const answer = await sendWrite(service, book, book.begin(name, isEdit ? 'edit' : 'put', bytes));
      if (!answer) return;
      if (answer.status >= 500) await pause(5);
    }
  };
  const running = Array.from({ length: options.writers }, run);
  return async () => {
    isOver = true;
    await Promise.all(running);
  };
}

/** Canvases from 1 KB up to 500 KB, most of them small. */
export function someCanvases(count: number, maxBytes = 500_000): { name: string; bytes: number }[] {
  return Array.from({ length: count }, (_, index) => ({
    name: index % 3 === 0 ? `canvas-${index}.canvas` : `folder-${index % 3}/canvas-${index}.canvas`,
    bytes: Math.round(1000 * (maxBytes / 1000) ** (index / Math.max(1, count - 1))),
  }));
}
