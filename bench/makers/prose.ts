import type { Random } from './random.js';

const words =
  '的 学习 概念 理解 可以 问题 一个 我们 定义 例如 因此 函数 方法 通过 关系 极限 证明 结论 如果 条件 导数 连续 变化 复习 笔记 对比 记忆 推理 步骤 错误 原因 检查 假设 反例 图示 总结 提问 解释 线性 矩阵 概率 分布 样本 模型 训练 目标 反馈 难点 迁移 应用'.split(
    ' ',
  );
const endings = ['。', '，', '，', '；', '？', '。\n', '：'];

/**
 * Chinese text of about the given number of characters. The word in place n comes up with weight 1/n, as in a language,
 * so that it compresses about as well as real notes.
 * @source Zipf's law
 */
export function prose(random: Random, characters: number): string {
  let text = '';
  while (text.length < characters) {
    const length = random.integer(4, 11);
    for (let i = 0; i < length; i++) text += words[Math.floor(words.length ** random.next()) - 1];
    text += random.pick(endings);
  }
  return text;
}
