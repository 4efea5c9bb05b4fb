import { markdownTable } from '../report/markdown.js';
import { formatNumber } from '../report/numbers.js';
import type { Judgement } from './compare.js';

const percent = (share: number) => `${formatNumber(Math.round(share * 1000) / 10)}%`;

/**
 * What a check found, as a table for people, and whether anything was lost.
 * @param notes said before the table, such as that this is another machine
 * @source issue "Regression guard"
 */
export function checkReport(
  name: string,
  judgements: readonly Judgement[],
  notes: readonly string[],
): { text: string; isLost: boolean } {
  const heading = ['ratio', 'committed', 'now', 'loss', 'noise', 'verdict'];
  const rows = judgements.map((judgement) => {
    const label = `${judgement.section}: ${judgement.measure}`;
    if (judgement.verdict === 'unknown') return [label, '-', '-', '-', '-', `not judged: ${judgement.reason}`];
    const { committed, now, loss, noise, verdict } = judgement;
    const told = loss > 0 ? percent(loss) : '-';
    return [label, formatNumber(committed), formatNumber(now), told, percent(noise), verdict];
  });
  const lost = judgements.filter(({ verdict }) => verdict === 'lost').length;
  const judged = judgements.filter(({ verdict }) => verdict !== 'unknown').length;
  const summary =
    lost > 0
      ? `${lost} of ${judged} ratios lost more than the noise of their rounds.`
      : `${judged} ratios judged, none lost; ${judgements.length - judged} not judged.`;
  const table = judgements.length > 0 ? [markdownTable({ heading, rows })] : [];
  return { text: [`## Check of ${name}`, ...notes, ...table, summary].join('\n\n'), isLost: lost > 0 };
}
