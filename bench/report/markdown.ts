import { median, spread } from '../support/statistics.js';
import { formatNumber, formatQuantity } from './numbers.js';
import { type Bound, type Figure, meets, type Section, type Table } from './section.js';

const signs: Record<Bound['relation'], string> = { 'at least': '>=', 'at most': '<=', below: '<' };

/**
 * A table in Markdown with its columns aligned, so that it reads on a terminal too.
 * @source GitHub Flavored Markdown Spec, "Tables (extension)"
 */
export function markdownTable({ heading, rows }: Table): string {
  const lines = [heading, ...rows].map((cells) => cells.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = heading.map((_, column) => Math.max(3, ...lines.map((cells) => cells[column]?.length ?? 0)));
  const line = (cells: string[]) =>
    `| ${widths
      .map((width, column) => {
        const cell = cells[column] ?? '';
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(lines[0] ?? []), rule, ...lines.slice(1).map(line)].join('\n');
}

function figureRow(figure: Figure): string[] {
  const value = median(figure.rounds);
  const { low, high, kind } = spread(figure.rounds);
  const asked = figure.asked
    ? `${signs[figure.asked.relation]} ${formatQuantity(figure.asked.value, figure.unit)}`
    : '-';
  const verdict = figure.asked ? (meets(value, figure.asked) ? 'met' : 'not met') : '-';
  const rounds = figure.rounds.length;
  return [
    figure.measure,
    asked,
    formatQuantity(value, figure.unit),
    rounds === 1 ? '-' : `${formatNumber(low)}..${formatNumber(high)} (${kind})`,
    `${rounds} ${rounds === 1 ? 'round' : 'rounds'} of ${figure.perRound}`,
    verdict,
  ];
}

/**
 * One section as Markdown: heading, how it was measured, the figures with their verdicts, the numbers behind them.
 * @source house rules, "a generated benchmark page"
 */
export function sectionMarkdown(section: Section): string {
  const heading = ['figure', 'asked', 'measured', 'spread', 'samples', 'verdict'];
  const tables = [
    ...(section.figures.length > 0 ? [{ heading, rows: section.figures.map(figureRow) }] : []),
    ...section.tables,
  ];
  return [`## ${section.title}`, section.how, ...tables.map(markdownTable)].join('\n\n');
}
