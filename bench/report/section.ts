/**
 * The figure asked for, in the unit of the measured one.
 * @source product contract, promise 7
 */
export interface Bound {
  relation: 'at least' | 'at most' | 'below';
  value: number;
}

/**
 * One measured number: `rounds` holds a value for each round, formed inside that round; their median is the figure.
 * Without any round, this machine cannot measure it.
 * Without `asked` it is told, not judged.
 * @source product contract, promise 7
 */
export interface Figure {
  measure: string;
  unit: string;
  rounds: number[];
  /** What one round consists of, such as `500 requests`. */
  perRound: string;
  asked?: Bound;
  /**
   * A ratio that later versions must keep, high or low: one formed inside each round against something that improvements
   * of the measured one leave alone. A time is none: it says more about the machine.
   */
  holds?: 'high' | 'low';
}

/**
 * Plain numbers behind the figures. The first column is text, the others are numbers and set to the right.
 * @source house rules, "benchmark tables generated, not typed"
 */
export interface Table {
  heading: string[];
  rows: string[][];
}

/**
 * A part of the document: what was done, the figures, and the numbers behind them.
 * @source house rules, "a generated benchmark page"
 */
export interface Section {
  title: string;
  how: string;
  figures: Figure[];
  tables: Table[];
}

/**
 * Whether the median of the rounds keeps the bound.
 * @source product contract, promise 7
 */
export function meets(value: number, bound: Bound): boolean {
  if (bound.relation === 'at least') return value >= bound.value;
  return bound.relation === 'at most' ? value <= bound.value : value < bound.value;
}
