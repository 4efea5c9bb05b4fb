import type { Table } from '../../lance/index.js';
import { computeFailureFigures, type FailureFigures, failureBytes } from '../analysis/failures/failure-figures.js';
import { bytesPerFailureRow } from '../analysis/failures/failure-rows.js';
import { type Statistics, statisticsOf } from '../analysis/statistics.js';
import { type ChangedFigures, createChangedFailures, createChangedQuestions } from './changes/changed-figures.js';
import { bytesPerRow } from './changes/question-sums.js';
import type { SumsFile } from './changes/sums-file.js';
import { keepByVersion } from './kept-by-version.js';
import { computeQuestionFigures, figuresBytes, type QuestionFigures } from './question-figures.js';

/** The tables and whom to tell. @source product contract, Trajectories ("/api/analysis/stats", "/api/questions") */
export interface FiguresOptions {
  trajectories: Table;
  analysis: Table;
  /** Handles of their own, which can be put on one version. */
  openTrajectories(): Promise<Table>;
  openAnalysis(): Promise<Table>;
  /** Where what the figures are made from is kept between runs, if anywhere. */
  sumsFile?: SumsFile;
  /** Told when figures could not be made from changes, and everything is read. */
  onFailed?(error: unknown): void;
  /** Told each time that figures were brought up to date, with the number of rows read for that. */
  onComputed(figures: { kind: 'questions' | 'failures'; rows: number; durationSeconds: number }): void;
}

/**
 * Figures over all trajectories, brought up to date once a version of the tables by reading only what has changed, and
 * kept. Always those of the newest version that the handles know.
 * @source product contract, Trajectories ("/api/analysis/stats", "/api/questions"); trajectory-optimization 2.2
 */
export interface Figures {
  questions(): Promise<QuestionFigures>;
  failures(): Promise<FailureFigures>;
  /** Reads nothing when the table is as the run before left it. @param k as {@link statisticsOf} has it */
  statistics(k?: number): Promise<Statistics>;
  /** Writes down what the next run may begin with. */
  close(): Promise<void>;
}

const maxKeptBytes = 128 * 1024 * 1024;

/** @source product contract, Trajectories ("/api/analysis/stats", "/api/questions") */
export function createFigures(options: FiguresOptions): Figures {
  const { trajectories, analysis, onComputed } = options;
  const ofTrajectories = { table: trajectories, open: options.openTrajectories };
  const ofAnalysis = { table: analysis, open: options.openAnalysis };
  const changedQuestions = createChangedQuestions(ofTrajectories, options.sumsFile);
  const changedFailures = createChangedFailures(ofTrajectories, ofAnalysis);

  /** Undefined when the rows would take too much memory to be kept, or something is wrong with that. */
  async function fromChanges<T>(changed: ChangedFigures<T>, bytes: number) {
    if (bytes > maxKeptBytes) return undefined;
    try {
      return await changed.figures();
    } catch (error) {
      options.onFailed?.(error);
      return undefined;
    }
  }

  async function timed<T>(kind: 'questions' | 'failures', work: Promise<{ figures: T; rows: number }>): Promise<T> {
    const startedAt = performance.now();
    const { figures, rows } = await work;
    onComputed({ kind, rows, durationSeconds: (performance.now() - startedAt) / 1000 });
    return figures;
  }

  async function questions(): Promise<{ figures: QuestionFigures; rows: number }> {
    const known = await fromChanges(changedQuestions, (await trajectories.countRows()) * bytesPerRow);
    if (known) return known;
    const figures = await computeQuestionFigures(trajectories);
    return { figures, rows: figures.total };
  }

  async function failures(): Promise<{ figures: FailureFigures; rows: number }> {
    const rows = (await trajectories.countRows()) + (await analysis.countRows());
    const known = await fromChanges(changedFailures, rows * bytesPerFailureRow);
    if (known) return known;
    const figures = await computeFailureFigures(trajectories, analysis);
    return { figures, rows: figures.total };
  }

  const currentQuestions = keepByVersion({
    version: async () => String(await trajectories.version()),
    compute: () => timed('questions', questions()),
    isKeepable: (figures) => figuresBytes(figures) <= maxKeptBytes,
  });

  return {
    questions: currentQuestions,
    async statistics(k) {
      const known = k === undefined ? changedQuestions.knownStatistics(await trajectories.version()) : undefined;
      return known ?? statisticsOf(await currentQuestions(), k);
    },
    failures: keepByVersion({
      version: async () => `${await trajectories.version()} ${await analysis.version()}`,
      compute: () => timed('failures', failures()),
      isKeepable: (figures) => failureBytes(figures) <= maxKeptBytes,
    }),
    async close() {
      await changedFailures.close();
      await changedQuestions.close().catch((error: unknown) => options.onFailed?.(error));
    },
  };
}
