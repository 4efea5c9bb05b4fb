import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Problem } from '../../../src/errors.js';
import { readAlertConfig } from '../../../src/metrics/alerts/rules/alert-config.js';
import { limitsOf } from '../../../src/metrics/alerts/rules/alert-rule.js';
import { measureNames, measureOf } from '../../../src/metrics/alerts/rules/measures.js';
import { asTemplate, filledIn, shown } from '../../../src/metrics/alerts/rules/rule-text.js';
import { configFiles } from '../../../src/optimizations/index.js';
import { temporaryFolder } from '../../support/folder.js';
import { concurrencyRule, deliveredRules } from '../open-test-monitoring.js';

const filesOf = (text: string) => ({ ...configFiles, read: () => ({ state: 'text' as const, text }) });

/** What is said about a file, a line for each fault. */
function faultsOf(text: string): string[] {
  try {
    readAlertConfig(filesOf(text), 'alerts.yaml');
  } catch (error) {
    const { code, faults } = error as Problem;
    expect(code).toBe('ALERT_CONFIG_INVALID');
    return (faults ?? []).map(({ pointer = '', message }) => `${pointer} ${message}`);
  }
  return [];
}

const rule = (keys: Record<string, unknown>) =>
  `rules: ${JSON.stringify({ X: { measure: 'concurrent_requests', above: 1, for_seconds: 0, severity: 'info', summary: 'x', ...keys } })}`;

describe('config/alerts.yaml', () => {
  it('is good, has a rule for everything that is to be watched, and names every measure', () => {
    const config = readAlertConfig(configFiles, deliveredRules);
    const watched = Object.values(config?.rules ?? {}).map(({ measure }) => measure);
    const unused = measureNames.filter((name) => !watched.includes(name));
    expect(unused).toEqual(['writer_pending_writes', 'disk_free_ratio']);
    const text = readFileSync(deliveredRules, 'utf8');
    for (const name of measureNames) expect(text).toContain(name);
  });

  it('takes its defaults where keys are left out', () => {
    const config = readAlertConfig(filesOf(concurrencyRule()), 'alerts.yaml');
    expect(config?.rules.ConcurrencyHigh?.enabled).toBe(true);
    expect(config?.channels).toEqual({
      log: { enabled: true, min_severity: 'info' },
      file: { enabled: true, min_severity: 'info', max_bytes: 1_048_576 },
      webhook: { enabled: true, min_severity: 'info', timeout_seconds: 10 },
    });
  });
});

describe('a file with errors', () => {
  it('is refused with every key that is wrong, its line, what was expected and what was got', () => {
    const text = concurrencyRule('    severty: info\nchannels:\n  log: {enabled: yes please}\n  pager: {}\n');
    expect(faultsOf(text.replace('for_seconds: 0', 'for_seconds: soon'))).toEqual([
      '/rules/ConcurrencyHigh/for_seconds expected a whole number from 0 to 86400, got "soon" (line 5)',
      '/rules/ConcurrencyHigh/severty unknown key (line 8)',
      '/channels/log/enabled expected true or false, got "yes please" (line 10)',
      '/channels/pager unknown key (line 11)',
    ]);
  });

  it.each([
    [{ above: undefined }, 'above expected either "above" or "below"'],
    [{ below: 1 }, 'above expected either "above" or "below"'],
    [{ clear: 2 }, 'clear expected at most 1, which is "above"'],
    [{ above: undefined, below: 5, clear: 4 }, 'clear expected at least 5, which is "below"'],
    [{ window_seconds: 60 }, 'window_seconds expected none, since concurrent_requests is told of this moment'],
    [{ measure: 'api_error_ratio' }, 'window_seconds expected a window, since api_error_ratio is told of one'],
    [{ min_count: 3 }, 'min_count expected none, since concurrent_requests counts nothing'],
    [{ measure: 'api_error_ratio', window_seconds: 62 }, 'window_seconds expected a multiple of 5, got 62'],
    [
      { measure: 'api_error_ratio', window_seconds: 9000 },
      'window_seconds expected a whole number from 30 to 900, got 9000',
    ],
    [{ measure: 'cpu' }, `measure expected one of ${measureNames.join(', ')}, got "cpu"`],
    [{ severity: 'high' }, 'severity expected critical, warning or info, got "high"'],
    [{ summary: '<valeu> of <flag>' }, 'summary expected no names in angle brackets but <value>, <threshold>'],
    [{ summary: '{{ $externalURL }}' }, 'summary expected no "{{"'],
    [{ summary: '' }, 'summary expected a text, got ""'],
    [{ only: { flag: 'x' } }, 'only expected no "flag", since concurrent_requests is not told by it'],
    [{ measure: 'memory_up', only: { memory_type: 'a"b' } }, 'only/memory_type expected a plain word, got "a\\"b"'],
    [{ for_seconds: -1 }, 'for_seconds expected a whole number from 0 to 86400, got -1'],
  ])('names the contradiction in %j', (keys, fault) => {
    expect(faultsOf(rule(keys))).toEqual([`/rules/X/${fault} (line 1)`]);
  });

  it('is refused when it is no section, empty, no YAML, or names a rule in a way that Prometheus cannot', () => {
    expect(faultsOf('- a')).toEqual([' expected "rules" and "channels", got a list']);
    expect(faultsOf('')).toEqual([' expected settings, got an empty file']);
    expect(faultsOf('rules: [')[0]).toContain('line 1');
    expect(faultsOf('channels: {}')).toEqual(['/rules expected the rules by name, got nothing']);
    expect(faultsOf(concurrencyRule('', 'no good'))).toEqual([
      '/rules/no good expected a name such as DiskAlmostFull (line 2)',
    ]);
  });

  it('is refused when it is missing or no file, and waited for while it is written', async () => {
    const folder = await temporaryFolder();
    expect(() => readAlertConfig(configFiles, path.join(folder, 'none.yaml'))).toThrow('expected a file, got none');
    expect(() => readAlertConfig(configFiles, folder)).toThrow('expected a regular file');
    const changing = { ...configFiles, read: () => ({ state: 'changing' as const }) };
    expect(readAlertConfig(changing, 'alerts.yaml')).toBeUndefined();
  });
});

describe('the limits of a rule', () => {
  const given = {
    enabled: true,
    measure: 'concurrent_requests',
    for_seconds: 0,
    severity: 'info',
    summary: 'x',
  } as const;

  it('begin strictly beyond the threshold and end at the way back', () => {
    const high = limitsOf({ ...given, above: 10, clear: 8 });
    expect([10, 10.1].map(high.begins)).toEqual([false, true]);
    expect([8, 8.1].map(high.goesOn)).toEqual([false, true]);
    const low = limitsOf({ ...given, below: 10, clear: 12 });
    expect([10, 9.9].map(low.begins)).toEqual([false, true]);
    expect([12, 11.9].map(low.goesOn)).toEqual([false, true]);
    expect(limitsOf({ ...given, below: 10 }).clear).toBe(10);
  });
});

describe('the text of a rule', () => {
  it('shows values as people read them', () => {
    expect([0.25, 1.5, 90].map((value) => shown(value, 'seconds'))).toEqual(['250 ms', '1.5 s', '90 s']);
    expect([0.051234, 1].map((value) => shown(value, 'ratio'))).toEqual(['5.123 %', '100 %']);
    expect([0, 1000, 2 ** 31, 2 ** 70].map((value) => shown(value, 'bytes'))).toEqual([
      '0 B',
      '1000 B',
      '2 GiB',
      '1049000 PiB',
    ]);
    expect([101, 1].map((value) => shown(value, 'count'))).toEqual(['101', '1']);
  });

  it('is filled in here and becomes a template for Prometheus, with the same threshold', () => {
    const text = 'the <memory_type> took <value>, more than <threshold>; 1 < 2';
    expect(filledIn(text, { memory_type: 'temporal', value: '2 s', threshold: '500 ms' })).toBe(
      'the temporal took 2 s, more than 500 ms; 1 < 2',
    );
    expect(asTemplate(text, 'seconds', 0.5)).toBe(
      'the {{ $labels.memory_type }} took {{ $value | humanizeDuration }}, more than 500 ms; 1 < 2',
    );
    expect(measureNames.every((name) => asTemplate('<value>', measureOf(name).unit, 1).startsWith('{{ $value'))).toBe(
      true,
    );
  });
});
