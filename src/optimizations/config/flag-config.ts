import { z } from 'zod';
import type { InputFault } from '../../errors.js';
import { configInvalid } from '../errors.js';
import { type FlagName, flagNames, flagSettings } from '../flag-settings.js';
import { type Policies, type PolicyName, policyNames, policySettings } from '../policy-settings.js';
import { closestName } from './closest-name.js';
import type { YamlDocument } from './yaml-document.js';

const onOff = z.boolean('expected true or false').default(true);

const sections = Object.fromEntries(
  Object.entries(flagSettings).map(([name, settings]) => [
    name,
    z
      .strictObject({ enabled: onOff, ...settings.shape }, 'expected a section with "enabled" and settings')
      .prefault({}),
  ]),
);

const policies = Object.fromEntries(
  Object.entries(policySettings).map(([name, settings]) => [
    name,
    z.strictObject(settings.shape, 'expected a section with settings').prefault({}),
  ]),
);

const configSchema = z.strictObject(
  { enabled: onOff, ...sections, ...policies },
  'expected "enabled" and a section for each optimisation',
);

/**
 * The checked configuration: the master switch, for each flag its own switch and its settings, and what rules over them.
 * @source product contract, Optimisations
 */
export interface FlagConfig {
  enabled: boolean;
  flags: Record<FlagName, { enabled: boolean; settings: Readonly<Record<string, unknown>> }>;
  policies: Policies;
}

function knownNames(section: string | undefined): string[] {
  if (section === undefined) return ['enabled', ...flagNames, ...policyNames];
  if (section in policySettings) return Object.keys(policySettings[section as PolicyName].shape);
  return ['enabled', ...Object.keys(flagSettings[section as FlagName].shape)];
}

function got(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a section';
  if (typeof value === 'number') return String(value);
  return JSON.stringify(value).slice(0, 60);
}

const valueAt = (value: unknown, path: PropertyKey[]) =>
  path.reduce<unknown>((inside, key) => (inside as Record<PropertyKey, unknown> | undefined)?.[key], value);

function faultsOf(error: z.ZodError, document: YamlDocument): InputFault[] {
  const fault = (path: PropertyKey[], message: string): InputFault => {
    const pointer = path.map((key) => `/${String(key)}`).join('');
    const line = document.lineOf(pointer);
    return { pointer, message: line === undefined ? message : `${message} (line ${line})` };
  };
  return error.issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') {
      return [fault(issue.path, `${issue.message}, got ${got(valueAt(document.value, issue.path))}`)];
    }
    const known = knownNames(issue.path[0] as string | undefined);
    return issue.keys.map((key) => {
      const meant = closestName(key, known);
      const advice = meant === undefined ? `expected one of ${known.join(', ')}` : `did you mean "${meant}"?`;
      return fault([...issue.path, key.slice(0, 100)], `unknown key, ${advice}`);
    });
  });
}

/**
 * Checks a configuration file's content. Keys that are left out take their defaults; unknown keys are refused with
 * the name that was probably meant.
 * @throws Problem `OPTIMIZATION_CONFIG_INVALID` with every fault
 * @source product contract, Optimisations ("The file is validated")
 */
export function checkFlagConfig(document: YamlDocument): FlagConfig {
  const parsed = configSchema.safeParse(document.value);
  if (!parsed.success) throw configInvalid(faultsOf(parsed.error, document));
  const checked = parsed.data as { enabled: boolean } & Policies &
    Record<FlagName, { enabled: boolean } & Record<string, unknown>>;
  const flagOf = (name: FlagName) => {
    const { enabled, ...settings } = checked[name];
    return [name, { enabled, settings: Object.freeze(settings) }];
  };
  return {
    enabled: checked.enabled,
    flags: Object.fromEntries(flagNames.map(flagOf)) as FlagConfig['flags'],
    policies: Object.fromEntries(
      policyNames.map((name) => [name, Object.freeze(checked[name])]),
    ) as unknown as Policies,
  };
}

/**
 * The configuration without a file: every optimisation on, with its default settings.
 * @source product contract, Optimisations
 */
export const defaultFlagConfig: FlagConfig = checkFlagConfig({ value: {}, lineOf: () => undefined });
