import { parseArgs } from 'node:util';
import type { BenchContext } from './bench.js';

/**
 * What was asked for on the command line. `out` is a document of its own for what is run; without it a run that is no
 * trial keeps its numbers and brings `docs/benchmarks.md` up to date; a check keeps nothing, and compares.
 * @source house rules, "a generated benchmark page"
 */
export interface BenchArguments {
  names: string[];
  quick: boolean;
  check: boolean;
  /** A check of a few ratios in a minute, see `isSample` of {@link BenchContext}. */
  sample: boolean;
  out: string | undefined;
  build: boolean;
  /** Empty when none were given. */
  rows: number[];
  help: boolean;
  /** The same request for one of the benches, as one would type it. */
  commandFor(name: string): string;
}

/**
 * Reads the command line.
 * @param known names of all benches
 * @throws Error on an unknown name or option
 * @source Node.js documentation, util "util.parseArgs([config])"
 */
export function readArguments(given: string[], known: string[]): BenchArguments {
  const { values, positionals } = parseArgs({
    args: given,
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      sample: { type: 'boolean', default: false },
      out: { type: 'string' },
      'no-build': { type: 'boolean', default: false },
      rows: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', default: false },
    },
  });
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`expected names among ${known.join(', ')}, got ${unknown.join(', ')}`);
  if (values.check && (values.quick || values.out !== undefined || values.rows.length > 0)) {
    throw new Error('expected --check without --quick, --rows and --out: it compares with the committed numbers');
  }
  if (values.sample && (!values.check || positionals.length > 0)) {
    throw new Error('expected --sample with --check and without names: what it compares is settled');
  }
  const isWhole = known.every((name) => positionals.length === 0 || positionals.includes(name));
  const names = isWhole ? known : known.filter((name) => positionals.includes(name));
  const rows = values.rows.flatMap((text) => text.split(',')).map(numberOfRows);
  const sizes = rows.length > 0 ? ['--rows', rows.join(',')] : [];
  const words = [...(values.quick ? ['--quick'] : []), ...sizes];
  return {
    names,
    quick: values.quick,
    check: values.check,
    sample: values.sample,
    out: values.out,
    build: !values['no-build'],
    rows,
    help: values.help,
    commandFor: (name) => ['npm run bench --', name, ...words].join(' '),
  };
}

function numberOfRows(text: string): number {
  const rows = Number(text);
  if (Number.isInteger(rows) && rows >= 100 && rows % 10 === 0) return rows;
  throw new Error(`expected a multiple of ten from 100 as number of rows, got "${text}"`);
}
