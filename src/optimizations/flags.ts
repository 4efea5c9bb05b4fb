import { Problem } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Optimization } from '../optimization.js';
import { type Clock, systemClock } from './clock.js';
import { type FileContent, readConfigFile } from './config/config-file.js';
import { ConfigWatch } from './config/config-watch.js';
import { checkFlagConfig, defaultFlagConfig, type FlagConfig } from './config/flag-config.js';
import { readYaml } from './config/yaml-document.js';
import { configInvalid } from './errors.js';
import { type FlagName, type FlagSettings, flagNames } from './flag-settings.js';
import { type FlagChange, type FlagState, LiveFlag } from './live-flag.js';

/**
 * The master switch (`all`) or one flag.
 * @source product contract, Monitoring ("name `all` is the master switch")
 */
export type SwitchName = FlagName | 'all';

/**
 * What the flags report: each reading of the file (`defaults`: there was none at start), each switch that takes or
 * changes its effect, each failure of an optimised path.
 * @source product contract, Settled details (`canvas_config_reloads_total{result}`)
 */
export type FlagEvent =
  | { type: 'config_read'; result: 'success' | 'defaults' | 'invalid' | 'missing' }
  | { type: 'switch_set'; flag: SwitchName; effective: boolean }
  | { type: 'optimization_failed'; flag: FlagName };

/**
 * The optimisation flags of the running service.
 * @source product contract, Optimisations; story-17.4 AC7
 */
export interface Flags {
  /** The live object of one flag: always the same one, so that it can be kept. */
  optimization<Name extends FlagName>(name: Name): Optimization<FlagSettings<Name>>;
  list(): Record<SwitchName, FlagState>;
  /**
   * Reads the file now and answers the names of the switches that changed.
   * @throws Problem `OPTIMIZATION_CONFIG_INVALID`; the last good configuration stays
   */
  reload(): SwitchName[];
  close(): void;
}

/**
 * `path`: the YAML file, which need not exist.
 * @source product contract, Optimisations
 */
export interface FlagsOptions {
  path: string;
  logger: Logger;
  onEvent: (event: FlagEvent) => void;
  clock?: Clock;
}

type Origin = 'defaults' | 'file';

const noSettings = Object.freeze({});

function reasonOf(config: FlagConfig, enabled: boolean, origin: Origin): string {
  if (!config.enabled) return 'the master switch is off';
  if (origin === 'defaults') return 'on by default; there is no configuration file';
  return enabled ? 'on in the configuration file' : 'off in the configuration file';
}

/** The one place that decides whether a flag is on. */
function changeOf(config: FlagConfig, name: SwitchName, origin: Origin): FlagChange {
  const { enabled, settings } = name === 'all' ? { enabled: config.enabled, settings: noSettings } : config.flags[name];
  return { enabled, effective: config.enabled && enabled, reason: reasonOf(config, enabled, origin), settings };
}

/** @throws Problem for whatever is no good configuration */
function configOf(content: Exclude<FileContent, { state: 'changing' }>): FlagConfig {
  if (content.state === 'missing') throw configInvalid([{ message: 'expected a file, got none' }]);
  if (content.state === 'refused') throw configInvalid([{ message: content.message }]);
  return checkFlagConfig(readYaml(content.text));
}

function firstConfig(path: string): { config: FlagConfig; origin: Origin } {
  const content = readConfigFile(path);
  if (content.state === 'missing') return { config: defaultFlagConfig, origin: 'defaults' };
  try {
    if (content.state === 'changing') throw new Error('expected a file at rest, got one being written');
    return { config: configOf(content), origin: 'file' };
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Opens the flags: reads the file (defaults where there is none) and follows it from then on. A bad edit, or the loss
 * of the file, leaves everything as it was and says so once.
 * @throws Error naming the file and each faulty key, when the file is there but invalid
 * @source product contract, Optimisations; story-17.4 AC7
 */
export function openFlags(options: FlagsOptions): Flags {
  const { path, logger, onEvent, clock = systemClock } = options;
  const watch = new ConfigWatch(path, clock, () => follow());
  let flags: Map<SwitchName, LiveFlag>;
  try {
    flags = start();
  } catch (error) {
    watch.close();
    throw error;
  }

  function start() {
    const { config, origin } = firstConfig(path);
    if (origin === 'defaults') logger.info({ path }, 'no optimisation configuration; every optimisation is on');
    onEvent({ type: 'config_read', result: origin === 'defaults' ? 'defaults' : 'success' });
    const live = new Map<SwitchName, LiveFlag>();
    for (const name of ['all', ...flagNames] as const) {
      const first = changeOf(config, name, origin);
      const onFailure = () => name !== 'all' && onEvent({ type: 'optimization_failed', flag: name });
      live.set(name, new LiveFlag(name, first, clock, logger, onFailure));
      onEvent({ type: 'switch_set', flag: name, effective: first.effective });
    }
    return live;
  }

  function apply(config: FlagConfig): SwitchName[] {
    const changed: SwitchName[] = [];
    for (const [name, flag] of flags) {
      const next = changeOf(config, name, 'file');
      if (!flag.change(next)) continue;
      changed.push(name);
      onEvent({ type: 'switch_set', flag: name, effective: next.effective });
    }
    onEvent({ type: 'config_read', result: 'success' });
    return changed;
  }

  /** @throws Problem, having counted and logged it; undefined while the file is being written */
  function read(): SwitchName[] | undefined {
    const content = readConfigFile(path);
    if (content.state === 'changing') return undefined;
    let config: FlagConfig;
    try {
      config = configOf(content);
    } catch (error) {
      onEvent({ type: 'config_read', result: content.state === 'missing' ? 'missing' : 'invalid' });
      const problem = error instanceof Problem ? error : configInvalid([{ message: 'expected YAML that can be read' }]);
      logger.error({ path, reason: problem.message }, 'optimisation configuration refused; the last good one stays');
      throw problem;
    }
    return apply(config);
  }

  /** @returns whether the file could be looked at */
  function follow(): boolean {
    try {
      return read() !== undefined;
    } catch {
      return true;
    }
  }

  return {
    // One flag's settings were checked by that flag's own schema.
    optimization: (name) => flags.get(name) as Optimization<unknown> as Optimization<FlagSettings<typeof name>>,
    list: () =>
      Object.fromEntries([...flags].map(([name, flag]) => [name, flag.state])) as Record<SwitchName, FlagState>,
    reload() {
      watch.markRead();
      const changed = read();
      if (changed === undefined) throw configInvalid([{ message: 'expected a file at rest, got one being written' }]);
      return changed;
    },
    close: () => watch.close(),
  };
}
