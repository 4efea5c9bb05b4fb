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
    if (judgement.verdict === 'missing') return [label, '-', '-', '-', '-', 'lost: not measured any more'];
    if (judgement.verdict === 'unknown') return [label, '-', '-', '-', '-', `not judged: ${judgement.reason}`];
    const { committed, now, loss, noise, verdict } = judgement;
    const told = loss > 0 ? percent(loss) : '-';
    return [label, formatNumber(committed), formatNumber(now), told, percent(noise), verdict];
  });
  const count = (verdict: Judgement['verdict']) => judgements.filter((each) => each.verdict === verdict).length;
  const [lost, missing] = [count('lost'), count('missing')];
  const judged = count('kept') + lost;
  const told = [
    ...(lost > 0 ? [`${lost} of ${judged} ratios lost more than the noise of their rounds.`] : []),
    ...(missing > 0 ? [`${missing} committed ratios are not measured any more.`] : []),
  ];
  const isLost = told.length > 0;
  const summary = isLost ? told.join(' ') : `${judged} ratios judged, none lost; ${count('unknown')} not judged.`;
  const table = judgements.length > 0 ? [markdownTable({ heading, rows })] : [];
  return { text: [`## Check of ${name}`, ...notes, ...table, summary].join('\n\n'), isLost };
}
