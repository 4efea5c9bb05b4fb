import { Problem } from '../../errors.js';

const shownIdLength = 200;

/** No trajectory has this data_id. @source product contract, Trajectories ("/api/questions/{id}"); RFC 9110 section 15.5.5 */
export function questionNotFound(questionId: string): Problem {
  const shown = questionId.length > shownIdLength ? `${questionId.slice(0, shownIdLength)}...` : questionId;
  return new Problem({
    code: 'QUESTION_NOT_FOUND',
    kind: 'missing',
    message: `Expected the data_id of a stored trajectory, got "${shown}"`,
  });
}
