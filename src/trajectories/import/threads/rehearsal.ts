import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runImport } from '../import-pipeline.js';
import { identityOf } from '../source/source.js';

/**
 * Imports made-up records into a database that is thrown away, in the thread that the next import runs in: V8 compiles
 * what runs often, and compiled later it would take a tenth of the time of 10,000 records.
 */

const rounds = 8;
const linesPerRound = 40;
/** Half of the lines hold one record, the others so many. */
const recordsPerLongLine = 3;

/**
 * @param folder to be used for that alone; what is in it is removed, it too
 * @param isOver is asked now and then; true ends the rehearsal
 * @throws what the file system or the database throws
 * @source trajectory-optimization 1.2-A; V8 documentation, "Launching Ignition and TurboFan"
 */
export async function rehearse(folder: string, isOver: () => boolean): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  try {
    await mkdir(folder, { recursive: true });
    for (let round = 0; round < rounds && !isOver(); round++) await rehearseOnce(folder, round);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function rehearseOnce(folder: string, round: number): Promise<void> {
  const file = path.join(folder, `${round}.jsonl`);
  await writeFile(file, madeUpText(round));
  await runImport(
    {
      lanceUri: path.join(folder, `lance-${round}`),
      importId: `rehearsal-${round}`,
      file: await identityOf(file),
      importedAt: 0,
      skipDuplicateCheck: false,
      onConflict: 'skip',
      firstSeq: 0,
      resumes: false,
      overriddenFile: path.join(folder, 'overridden'),
      batchImport: { enabled: true, batch_rows: linesPerRound, max_batch_bytes: 2 ** 25 },
      bulkDuplicateCheck: true,
      errorFile: { path: path.join(folder, 'errors'), maxBytes: 0 },
    },
    () => {},
  );
}

/**
 * Records of about 5 KB as trainers write them down, in both forms of a line.
 * @param round gives them ids of their own
 * @source product contract, Import formats
 */
export function madeUpText(round: number): string {
  const lines = Array.from({ length: linesPerRound }, (_, line) => {
    const number = (round * linesPerRound + line) * recordsPerLongLine;
    if (line % 2 === 0) return JSON.stringify(madeUpRecord(number));
    const trajectories = Array.from({ length: recordsPerLongLine }, (_, i) => madeUpRecord(number + i));
    return JSON.stringify({ iteration: `${round}`, trajectories });
  });
  return `${lines.join('\n')}\n`;
}

function madeUpRecord(number: number): Record<string, unknown> {
  const said = (turn: number) => `第 ${turn} 步：观察到 "x_${number}"，继续。\n${'推理 step by step, '.repeat(12)}`;
  return {
    trajectory_id: `q${number}-run-1-2-3-0`,
    data_id: `q${number}`,
    task: { question: `求第 ${number} 题的极限`, ground_truth: `${number % 7}`, category: 'general' },
    steps: Array.from({ length: 4 }, (_, step) => ({
      step_id: `${step}`,
      action: said(step),
      reward: `${step / 4}`,
      mc_return: '0.5',
      done: step === 3 ? 'True' : 'False',
    })),
    chat_completions: Array.from({ length: 5 }, (_, turn) => ({
      role: turn % 2 === 0 ? 'user' : 'assistant',
      content: said(turn),
    })),
    reward: (number % 5) / 4,
    toolcall_reward: 0.25,
    res_reward: 0.5,
    exec_time: number / 3,
    epoch_id: 1,
    iteration_id: 2,
    sample_id: number % 8,
    training_id: 'run',
    agent_name: 'agent',
    termination_reason: 'success',
  };
}
