import type { Table } from '../../lance/index.js';
import { computeFailureFigures, type FailureFigures, failureBytes } from '../analysis/failure-figures.js';
import { keepByVersion } from './kept-by-version.js';
import { computeQuestionFigures, figuresBytes, type QuestionFigures } from './question-figures.js';

/** The tables and whom to tell. @source product contract, Trajectories ("/api/analysis/stats", "/api/questions") */
export interface FiguresOptions {
  trajectories: Table;
  analysis: Table;
  /** Told each time that figures were worked out anew. */
  onComputed(figures: { kind: 'questions' | 'failures'; rows: number; durationSeconds: number }): void;
}

/**
 * Figures over all trajectories, worked out once a version of the tables and kept. Always those of the newest version
 * that the handles know.
 * @source product contract, Trajectories ("/api/analysis/stats", "/api/questions"); trajectory-optimization 2.2
 */
export interface Figures {
  questions(): Promise<QuestionFigures>;
  failures(): Promise<FailureFigures>;
}

const maxKeptBytes = 128 * 1024 * 1024;

/** @source product contract, Trajectories ("/api/analysis/stats", "/api/questions") */
export function createFigures({ trajectories, analysis, onComputed }: FiguresOptions): Figures {
  async function timed<T extends { total: number }>(kind: 'questions' | 'failures', work: Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const figures = await work;
    onComputed({ kind, rows: figures.total, durationSeconds: (performance.now() - startedAt) / 1000 });
    return figures;
  }

  return {
    questions: keepByVersion({
      version: async () => String(await trajectories.version()),
      compute: () => timed('questions', computeQuestionFigures(trajectories)),
      isKeepable: (figures) => figuresBytes(figures) <= maxKeptBytes,
    }),
    failures: keepByVersion({
      version: async () => `${await trajectories.version()} ${await analysis.version()}`,
      compute: () => timed('failures', computeFailureFigures(trajectories, analysis)),
      isKeepable: (figures) => failureBytes(figures) <= maxKeptBytes,
    }),
  };
}
