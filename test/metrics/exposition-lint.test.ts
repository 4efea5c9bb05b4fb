import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/metrics/index.js';

const promtool = (input: string, ...words: string[]) => spawnSync('promtool', words, { input, encoding: 'utf8' });
const hasPromtool = promtool('', '--version').error === undefined;
const said = hasPromtool ? '' : ' (skipped: promtool is not installed)';

describe('GET /metrics as Prometheus reads it', () => {
  it.skipIf(!hasPromtool)(`is read without a fault, and every name is one that Prometheus advises${said}`, async () => {
    const metrics = createMetrics('0.0.0');
    const text = await metrics.text();
    await metrics.close();
    const { stdout, stderr } = promtool(text, 'check', 'metrics');
    const advice = (stdout + stderr).split('\n').filter((line) => line !== '');
    // Of Node.js itself, by the library; dashboards everywhere know them by these names.
    const others = advice.filter((line) => !/^nodejs_active_(handles|requests|resources)_total /.test(line));
    expect(others).toEqual([]);
    expect(advice).not.toHaveLength(0);
    expect(promtool(`${text}broken{ 1\n`, 'check', 'metrics').status).toBe(1);
  });
});
