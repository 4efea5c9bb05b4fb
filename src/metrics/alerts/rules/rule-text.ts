import type { Unit } from './measures.js';

const placeholder = /<([a-z_]+)>/g;

/**
 * The names between angle brackets in a text.
 * @source product contract, Monitoring (`summary`)
 */
export function placeholdersOf(text: string): string[] {
  return [...text.matchAll(placeholder)].map((match) => match[1] ?? '');
}

const inFull = (value: number) => String(Number(value.toPrecision(4)));
const binaryUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/**
 * A value as people read it: `1.53 s`, `5.2 %`, `64 MiB`.
 * @source product contract, Monitoring (`summary`)
 */
export function shown(value: number, unit: Unit): string {
  switch (unit) {
    case 'seconds':
      return Math.abs(value) < 1 ? `${inFull(value * 1000)} ms` : `${inFull(value)} s`;
    case 'ratio':
      return `${inFull(value * 100)} %`;
    case 'bytes': {
      const step = value < 1 ? 0 : Math.min(binaryUnits.length - 1, Math.floor(Math.log2(value) / 10));
      return `${inFull(value / 1024 ** step)} ${binaryUnits[step]}`;
    }
    default:
      return inFull(value);
  }
}

/** How Prometheus writes a value of the unit. */
const templates: Record<Unit, string> = {
  seconds: '{{ $value | humanizeDuration }}',
  ratio: '{{ $value | humanizePercentage }}',
  bytes: '{{ $value | humanize1024 }}B',
  count: '{{ $value | humanize }}',
  state: '{{ $value }}',
};

/**
 * The text with its placeholders filled in.
 * @source product contract, Monitoring (`summary`)
 */
export function filledIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(placeholder, (whole, name: string) => values[name] ?? whole);
}

/**
 * The text as a template of Prometheus: the threshold is written out, the rest is filled in when an alert fires.
 * @source Prometheus documentation, "Alerting rules" (templating)
 */
export function asTemplate(text: string, unit: Unit, threshold: number): string {
  const nameOf = (name: string) => (name === 'value' ? templates[unit] : `{{ $labels.${name} }}`);
  return text.replaceAll(placeholder, (_whole, name: string) =>
    name === 'threshold' ? shown(threshold, unit) : nameOf(name),
  );
}
