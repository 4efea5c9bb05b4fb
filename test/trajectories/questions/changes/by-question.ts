import type { QuestionFigures } from '../../../../src/trajectories/questions/question-figures.js';
import { risingOrder } from '../../../../src/trajectories/questions/question-order.js';

/** Figures by question, in the order in which questions were first stored, without the codes. */
export function byQuestion(figures: QuestionFigures) {
  return Array.from(risingOrder(figures, 'data_id'), (code) => ({
    id: figures.ids.textOf(code),
    attempts: figures.attempts[code],
    successes: figures.successes[code],
    rewards: figures.rewards[code],
    seconds: figures.seconds[code],
    firstSeq: figures.firstSeqs[code],
    firstRowId: figures.firstRowIds[code],
  }));
}
