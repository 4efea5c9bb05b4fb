import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { writeFileDurably } from '../../durable-file.js';
import { type Job, type JobTask, jobSchema } from './job.js';

/**
 * Jobs on disk, one JSON file each, so that they outlive the process.
 * @source product contract, Settled details ("Jobs: ... interrupted")
 */
export interface JobFiles {
  /** All that can be read, oldest first; damaged ones are named to `onDamaged` and stay where they are. */
  load(): Promise<Job[]>;
  /** Durable once resolved: after a power cut the old or the new state is there, whole. */
  save(job: Job): Promise<void>;
  find(id: string): Promise<Job | undefined>;
  remove(id: string): Promise<void>;
}

/** The ids that are given; nothing else ever becomes the name of a file. */
const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Tasks that have ended change no more; a job is written down several times, and their results are the most of it. */
const endedTexts = new WeakMap<JobTask, string>();

function taskText(task: JobTask): string {
  const known = endedTexts.get(task);
  if (known !== undefined) return known;
  const text = JSON.stringify(task);
  if (task.ended_at !== undefined) endedTexts.set(task, text);
  return text;
}

function jobText({ tasks, ...job }: Job): string {
  return `${JSON.stringify(job).slice(0, -1)},"tasks":[${tasks.map(taskText).join(',')}]}`;
}

/**
 * @param folder created when missing
 * @source product contract, Promises 1
 */
export async function openJobFiles(folder: string, onDamaged: (name: string) => void): Promise<JobFiles> {
  await mkdir(folder, { recursive: true });
  const fileOf = (id: string) => path.join(folder, `${id}.json`);
  const read = async (id: string): Promise<Job | undefined> => {
    let text: string;
    try {
      text = await readFile(fileOf(id), 'utf8');
    } catch {
      return undefined;
    }
    try {
      return jobSchema.parse(JSON.parse(text));
    } catch {
      onDamaged(`${id}.json`);
      return undefined;
    }
  };
  return {
    async load() {
      const names = await readdir(folder);
      for (const name of names) if (name.endsWith('.tmp')) await rm(path.join(folder, name), { force: true });
      const jobs: Job[] = [];
      for (const name of names) {
        const id = name.slice(0, -'.json'.length);
        const job = name.endsWith('.json') && idPattern.test(id) ? await read(id) : undefined;
        if (job) jobs.push(job);
      }
      return jobs.sort((a, b) => a.created_at - b.created_at);
    },
    save: async (job) => writeFileDurably(fileOf(job.id), jobText(job)),
    find: async (id) => (idPattern.test(id) ? read(id) : undefined),
    remove: (id) => rm(fileOf(id), { force: true }),
  };
}
