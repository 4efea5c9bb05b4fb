import { z } from 'zod';
import { measureNames, measureOf } from './measures.js';
import { placeholdersOf } from './rule-text.js';

/** Rules are looked at this often; windows are counted in it. */
const stepSeconds = 5;
const maxRules = 100;

/**
 * The longest window a rule may have, in ms: so far back readings are kept.
 * @source product contract, Promises 6
 */
export const longestWindowMs = 900_000;

/**
 * How bad it is: red, orange, blue.
 * @source product contract, "Facts from the documents that the seeds cite" (severities)
 */
export const severitySchema = z.enum(['critical', 'warning', 'info'], 'expected critical, warning or info');

/**
 * See {@link severitySchema}.
 * @source product contract, Monitoring (`/metrics/alerts`)
 */
export type Severity = z.infer<typeof severitySchema>;

const number = z.number('expected a number');
const wholeUpTo = (min: number, max: number) => {
  const expected = `expected a whole number from ${min} to ${max}`;
  return z.int(expected).min(min, expected).max(max, expected);
};

const ruleShape = z.strictObject(
  {
    enabled: z.boolean('expected true or false').default(true),
    measure: z.enum(measureNames, `expected one of ${measureNames.join(', ')}`),
    only: z
      .record(
        z.string(),
        z.string('expected a text').regex(/^[\w.-]{1,64}$/, 'expected a plain word'),
        'expected a section',
      )
      .optional(),
    above: number.optional(),
    below: number.optional(),
    clear: number.optional(),
    for_seconds: wholeUpTo(0, 86_400),
    window_seconds: wholeUpTo(30, longestWindowMs / 1000)
      .multipleOf(stepSeconds, `expected a multiple of ${stepSeconds}`)
      .optional(),
    min_count: wholeUpTo(1, 1_000_000).optional(),
    severity: severitySchema,
    summary: z.string('expected a text').min(1, 'expected a text').max(300, 'expected at most 300 characters'),
  },
  'expected a rule with "measure", "above" or "below", "for_seconds", "severity" and "summary"',
);

type RuleInput = z.infer<typeof ruleShape>;

/** What no single key can say. Each answers [key, what was expected]. */
function contradictions(rule: RuleInput): [keyof RuleInput, string][] {
  const { above, below, clear, window_seconds, min_count, summary } = rule;
  const measure = measureOf(rule.measure);
  const faults: [keyof RuleInput, string][] = [];
  if ((above === undefined) === (below === undefined)) faults.push(['above', 'expected either "above" or "below"']);
  if (clear !== undefined && above !== undefined && clear > above) {
    faults.push(['clear', `expected at most ${above}, which is "above"`]);
  }
  if (clear !== undefined && below !== undefined && clear < below) {
    faults.push(['clear', `expected at least ${below}, which is "below"`]);
  }
  if (measure.windowed && window_seconds === undefined) {
    faults.push(['window_seconds', `expected a window, since ${rule.measure} is told of one`]);
  }
  if (!measure.windowed && window_seconds !== undefined) {
    faults.push(['window_seconds', `expected none, since ${rule.measure} is told of this moment`]);
  }
  if (min_count !== undefined && measure.counts === undefined) {
    faults.push(['min_count', `expected none, since ${rule.measure} counts nothing`]);
  }
  for (const label of Object.keys(rule.only ?? {}).filter((label) => !measure.labels.includes(label))) {
    faults.push(['only', `expected no "${label.slice(0, 64)}", since ${rule.measure} is not told by it`]);
  }
  const known = ['value', 'threshold', ...measure.labels];
  const unknown = placeholdersOf(summary).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    faults.push(['summary', `expected no names in angle brackets but ${known.map((name) => `<${name}>`).join(', ')}`]);
  }
  // Prometheus would take it for the beginning of a template.
  if (summary.includes('{{')) faults.push(['summary', 'expected no "{{"']);
  return faults;
}

const ruleSchema = ruleShape.superRefine((rule, context) => {
  for (const [key, message] of contradictions(rule)) context.addIssue({ code: 'custom', path: [key], message });
});

const channel = {
  enabled: z.boolean('expected true or false').default(true),
  min_severity: severitySchema.default('info'),
};
const section = 'expected a section with "enabled" and settings';

/**
 * `config/alerts.yaml`: the rules by name, and where it is told when one begins to hold and ends.
 * @source product contract, Monitoring (`/metrics/alerts`), "Facts from the documents that the seeds cite" (channels)
 */
export const alertConfigSchema = z.strictObject(
  {
    rules: z
      .record(
        z.string().regex(/^[A-Z][A-Za-z0-9]{0,63}$/, 'expected a name such as DiskAlmostFull'),
        ruleSchema,
        'expected the rules by name',
      )
      .refine((rules) => Object.keys(rules).length <= maxRules, `expected at most ${maxRules} rules`),
    channels: z
      .strictObject(
        {
          log: z.strictObject(channel, section).prefault({}),
          file: z
            .strictObject({ ...channel, max_bytes: wholeUpTo(10_000, 1_000_000_000).default(1_048_576) }, section)
            .prefault({}),
          webhook: z.strictObject({ ...channel, timeout_seconds: wholeUpTo(1, 60).default(10) }, section).prefault({}),
        },
        'expected "log", "file" and "webhook"',
      )
      .prefault({}),
  },
  'expected "rules" and "channels"',
);

/**
 * See {@link alertConfigSchema}; every default filled in.
 * @source product contract, Monitoring (`/metrics/alerts`)
 */
export type AlertConfig = z.infer<typeof alertConfigSchema>;

/**
 * One rule: which measure, beyond what, for how long. It begins to hold when the measure passes `above` (or `below`)
 * for `for_seconds`, and ends when it passes `clear` on the way back (the same threshold when left out).
 * @source product contract, Monitoring (`/metrics/alerts`)
 */
export type AlertRule = AlertConfig['rules'][string];

/**
 * The threshold of a rule, its way back, and whether a value is beyond either.
 * @source product contract, Monitoring (`threshold`)
 */
export function limitsOf(rule: AlertRule) {
  const isAbove = rule.above !== undefined;
  const threshold = rule.above ?? rule.below ?? 0;
  const clear = rule.clear ?? threshold;
  const beyond = (value: number, limit: number) => (isAbove ? value > limit : value < limit);
  return {
    isAbove,
    threshold,
    clear,
    begins: (value: number) => beyond(value, threshold),
    goesOn: (value: number) => beyond(value, clear),
  };
}
