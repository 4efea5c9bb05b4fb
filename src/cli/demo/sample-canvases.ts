import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Chance, createChance } from './chance.js';
import { subjects, type Topic } from './sample-topics.js';

/** A canvas of the demo: its path in the vault and the ids of its text nodes. @source JSON Canvas 1.0 */
export interface SampleCanvas {
  path: string;
  nodeIds: string[];
}

const columns = 6;
const explanations = [
  'Explain it in your own words.',
  '用自己的话解释。',
  'Where does it fail?',
  '举一个反例。',
  'Draw it.',
  '和上一个概念有什么关系？',
];

function canvasOf(subject: string, topics: readonly Topic[], chance: Chance) {
  const nodes = [
    { id: 'subject', type: 'text', text: `# ${subject}`, x: 0, y: -320, width: 420, height: 90, color: '6' },
    ...topics.flatMap(({ name, statement }, index) => {
      const x = (index % columns) * 480;
      const y = Math.floor(index / columns) * 420;
      return [
        { id: `topic-${index}`, type: 'text', text: `## ${name}\n\n${statement}`, x, y, width: 420, height: 160 },
        {
          id: `question-${index}`,
          type: 'text',
          text: chance.pick(explanations),
          x,
          y: y + 200,
          width: 420,
          height: 100,
          color: chance.pick(['1', '3', '4']),
        },
      ];
    }),
  ];
  const edges = topics.flatMap((_, index) => [
    { id: `to-${index}`, fromNode: 'subject', fromSide: 'bottom', toNode: `topic-${index}`, toSide: 'top' },
    { id: `ask-${index}`, fromNode: `topic-${index}`, toNode: `question-${index}`, label: '?' },
  ]);
  return { nodes, edges };
}

/**
 * Puts learning canvases into a vault: one for each chapter of each subject, between 10 and 60 KB.
 * @source JSON Canvas 1.0; product contract, Canvases
 */
export async function writeSampleCanvases(vault: string, chapters: number): Promise<SampleCanvas[]> {
  const chance = createChance(1);
  const written: SampleCanvas[] = [];
  for (const { subject, folder, topics } of subjects) {
    await mkdir(path.join(vault, folder), { recursive: true });
    for (let chapter = 1; chapter <= chapters; chapter++) {
      const shown = Array.from({ length: chance.whole(15, 80) }, () => chance.pick(topics));
      const canvas = canvasOf(`${subject} ${chapter}`, shown, chance);
      const file = `${folder}/chapter-${chapter}.canvas`;
      await writeFile(path.join(vault, file), JSON.stringify(canvas, null, '\t'));
      written.push({ path: file, nodeIds: canvas.nodes.map(({ id }) => id) });
    }
  }
  return written;
}
