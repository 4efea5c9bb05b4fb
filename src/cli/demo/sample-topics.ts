/** Something to be learnt. @source product contract, "Who uses it" (the canvas frontend) */
export interface Topic {
  name: string;
  statement: string;
}

/** A field with its topics; `folder` is its place in the vault. @source product contract, Canvases */
export interface Subject {
  subject: string;
  folder: string;
  topics: readonly Topic[];
}

const topic = (name: string, statement: string): Topic => ({ name, statement });

/** Made for the demo, in the two languages of its users. @source product contract, "Who uses it" */
export const subjects: readonly Subject[] = [
  {
    subject: '线性代数',
    folder: 'linear-algebra',
    topics: [
      topic('特征值', '若 $A v = \\lambda v$ 且 $v \\ne 0$，则 $\\lambda$ 是 $A$ 的特征值。'),
      topic('Orthogonality', 'Two vectors are orthogonal when their inner product is zero.'),
      topic('秩', '矩阵的秩等于线性无关的列的最大个数。'),
      topic('Singular values', 'Every matrix is a rotation, a stretching along axes, and a rotation.'),
      topic('投影', '投影把向量分解为子空间内的部分和垂直的部分。'),
      topic('Determinant', 'The determinant says by how much a map stretches volume, and whether it turns it over.'),
    ],
  },
  {
    subject: 'Calculus',
    folder: 'calculus',
    topics: [
      topic('Limit', 'For every ε > 0 there is a δ > 0, so that the values stay within ε.'),
      topic('导数', '导数是割线斜率的极限，即瞬时变化率。'),
      topic('Chain rule', 'The rate of a composition is the product of the rates.'),
      topic('积分', '积分是无穷多个小矩形面积之和的极限。'),
      topic('Taylor series', 'A smooth function near a point is its derivatives there, weighted by factorials.'),
      topic('梯度', '梯度指向函数增长最快的方向。'),
    ],
  },
  {
    subject: 'Probability 概率论',
    folder: 'probability',
    topics: [
      topic('Bayes', 'What is believed after the evidence is in proportion to prior times likelihood.'),
      topic('期望', '期望是以概率为权的平均值。'),
      topic('Variance', 'The mean square of the distance from the mean.'),
      topic('大数定律', '样本平均值随样本增多趋近于期望。'),
      topic('Independence', 'Knowing one event does not change the probability of the other.'),
      topic('条件概率', '已知 B 发生时 A 发生的概率。'),
    ],
  },
];
