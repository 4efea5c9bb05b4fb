import { folded } from './text-words.js';

/**
 * How well a text answers a search: BM25 over the words, a word of the question counting twice. How rare a word is is
 * told from a sample of the stored texts, so that rows are judged alike whether an index knows them or not. A text that
 * has none of the words gets 0.
 * @source Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond"
 */
export type Relevance = (words: readonly string[]) => (question: string, groundTruth: string) => number;

/** The texts of a stored row. @source product contract, Trajectories ("Record") */
export interface SearchedText {
  question: string;
  groundTruth: string;
}

const saturation = 1.2;
const lengthInfluence = 0.5;
const questionWeight = 2;
/** A word met inside a longer one: `cat` in `concatenate`, `run` in `running`. */
const insideWeight = 0.2;
const beginningWeight = 0.6;
const maxCounted = 8;
/**
 * Texts are judged by so many characters at their beginning: what is found further on would cost more than it tells.
 * @source product contract, Promises 6
 */
export const maxJudged = 20_000;

/** @param sample stored texts, a few hundred are enough; kept in memory @source Robertson and Zaragoza, "The Probabilistic Relevance Framework" */
export function createRelevance(sample: readonly SearchedText[]): Relevance {
  const texts = sample.map(({ question, groundTruth }) => foldedStart(`${question} ${groundTruth}`));
  const meanLength = Math.max(1, texts.reduce((sum, text) => sum + text.length, 0) / Math.max(1, texts.length));

  return (words) => {
    const rareness = words.map((word) => {
      const having = texts.reduce((count, text) => count + (text.includes(word) ? 1 : 0), 0);
      return Math.log(1 + (texts.length - having + 0.5) / (having + 0.5));
    });
    return (question, groundTruth) => {
      const inQuestion = foldedStart(question);
      const inTruth = foldedStart(groundTruth);
      const length = (inQuestion.length + inTruth.length) / meanLength;
      const dampened = saturation * (1 - lengthInfluence + lengthInfluence * length);
      let score = 0;
      for (const [i, word] of words.entries()) {
        const count = questionWeight * occurrences(inQuestion, word) + occurrences(inTruth, word);
        if (count > 0) score += (rareness[i]! * count * (saturation + 1)) / (count + dampened);
      }
      return score;
    };
  };
}

const foldedStart = (text: string) => folded(text.length > maxJudged ? text.slice(0, maxJudged) : text);

/** How often the word occurs, where it is a whole word for more. Scripts without spaces have no whole words. */
function occurrences(text: string, word: string): number {
  let count = 0;
  const isSpaced = /^[a-z0-9]/.test(word);
  for (let at = text.indexOf(word); at >= 0 && count < maxCounted; at = text.indexOf(word, at + word.length)) {
    if (!isSpaced) count += 1;
    else if (isLetter(text, at - 1)) count += insideWeight;
    else count += isLetter(text, at + word.length) ? beginningWeight : 1;
  }
  return count;
}

function isLetter(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return (code >= 97 && code <= 122) || (code >= 48 && code <= 57);
}
