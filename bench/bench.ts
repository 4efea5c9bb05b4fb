import type { Section } from './report/section.js';

/**
 * What a bench is given: an empty folder of its own (removed afterwards), whether it is only tried out, whether its ratios
 * are compared with committed ones (then the same amounts are needed, but nothing that holds no ratio), as a sample only
 * (then of these no more than a minute's worth, of ratios that are large), and where to say what it does now.
 * @source house rules, "a generated benchmark page"
 */
export interface BenchContext {
  folder: string;
  quick: boolean;
  isCheck?: boolean;
  isSample?: boolean;
  /** Numbers of records that were asked for; each bench has its own otherwise. */
  rows?: readonly number[];
  note(text: string): void;
}

/**
 * Measures and gives, one section after another, what goes into the document. A missed figure is a result; a wrong answer of the service is not.
 * @throws Error when the service answers wrongly or not at all
 * @source product contract, promise 7
 */
export type Bench = (context: BenchContext) => AsyncIterable<Section>;
