import type { z } from 'zod';
import { type InputFault, Problem } from '../../../errors.js';
import { alertConfigInvalid } from '../errors.js';
import { type AlertConfig, alertConfigSchema } from './alert-rule.js';

/**
 * How a configuration file is read, parsed and followed; the same for every file that operators edit while the service
 * runs. `parse` throws a Problem with faults. `watch` calls back when the file has changed and come to rest; an answer
 * of false asks to be called again.
 * @source product contract, Optimisations ("A change is live within 2 s")
 */
export interface ConfigFiles {
  read(
    path: string,
  ):
    | { state: 'text'; text: string }
    | { state: 'missing' }
    | { state: 'changing' }
    | { state: 'refused'; message: string };
  parse(text: string): ConfigDocument;
  watch(
    path: string,
    clock: { now(): number; every(intervalMs: number, task: () => void): () => void },
    onChange: () => boolean,
  ): { markRead(): void; close(): void };
}

/**
 * A configuration file as plain values, and the line of each key by its JSON pointer.
 * @source YAML 1.2.2, section 3.2.1
 */
export interface ConfigDocument {
  value: unknown;
  lineOf(pointer: string): number | undefined;
}

function got(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'a section';
  return JSON.stringify(value).slice(0, 60);
}

function faultsOf(issue: z.core.$ZodIssue, document: ConfigDocument): InputFault[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => placed([...issue.path, key.slice(0, 100)], 'unknown key', document));
  }
  // A key that is no name for a rule carries its own reason inside.
  const said = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  if (issue.code === 'custom' || issue.code === 'invalid_key') return [placed(issue.path, said, document)];
  const value = issue.path.reduce<unknown>(
    (inside, key) => (inside as Record<PropertyKey, unknown> | null | undefined)?.[key],
    document.value,
  );
  return [placed(issue.path, `${said}, got ${got(value)}`, document)];
}

/** Points to the key, and names its line or that of the section around it. */
function placed(path: PropertyKey[], message: string, document: ConfigDocument): InputFault {
  const pointer = path.map((key) => `/${String(key)}`).join('');
  const line = document.lineOf(pointer) ?? document.lineOf(pointer.replace(/\/[^/]*$/, ''));
  return { pointer, message: line === undefined ? message : `${message} (line ${line})` };
}

/**
 * Checks what an alert file says. Keys that may be left out take their defaults.
 * @throws Problem `ALERT_CONFIG_INVALID` with every fault
 * @source product contract, Monitoring (`/metrics/alerts`: "rules live in config")
 */
export function checkAlertConfig(document: ConfigDocument): AlertConfig {
  const parsed = alertConfigSchema.safeParse(document.value);
  if (parsed.success) return parsed.data;
  throw alertConfigInvalid(parsed.error.issues.flatMap((issue) => faultsOf(issue, document)));
}

/**
 * Reads and checks an alert file.
 * @returns undefined while another program writes it
 * @throws Problem `ALERT_CONFIG_INVALID`
 * @source product contract, Optimisations ("an invalid edit keeps the last good one")
 */
export function readAlertConfig(files: ConfigFiles, path: string): AlertConfig | undefined {
  const content = files.read(path);
  if (content.state === 'changing') return undefined;
  if (content.state === 'missing') throw alertConfigInvalid([{ message: 'expected a file, got none' }]);
  if (content.state === 'refused') throw alertConfigInvalid([{ message: content.message }]);
  try {
    return checkAlertConfig(files.parse(content.text));
  } catch (error) {
    if (!(error instanceof Problem)) throw alertConfigInvalid([{ message: 'expected YAML that can be read' }]);
    throw error.code === 'ALERT_CONFIG_INVALID' ? error : alertConfigInvalid(error.faults ?? []);
  }
}

/**
 * What holds when there never was a good file: no rule but that its loss is told.
 * @source story-17.4 task 8 (graceful degradation)
 */
export const fallbackConfig: AlertConfig = checkAlertConfig({
  value: {
    rules: {
      ConfigReloadFailed: {
        measure: 'config_good',
        below: 1,
        for_seconds: 0,
        severity: 'critical',
        summary: 'config/<file>.yaml cannot be used; the last good state stays',
      },
    },
  },
  lineOf: () => undefined,
});
