import { performance } from 'node:perf_hooks';
import { isDeepStrictEqual } from 'node:util';
import { Problem } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Optimization } from '../optimization.js';
import { type Clock, systemClock } from './clock.js';
import { type FileContent, readConfigFile } from './config/config-file.js';
import { ConfigWatch } from './config/config-watch.js';
import { writeSwitch } from './config/config-writer.js';
import { checkFlagConfig, defaultFlagConfig, type FlagConfig } from './config/flag-config.js';
import { readYaml } from './config/yaml-document.js';
import { configInvalid, flagUnknown } from './errors.js';
import type { FlagEvent } from './flag-event.js';
import type { FlagName, FlagSettings } from './flag-settings.js';
import { type Policies, policyNames } from './policy-settings.js';
import { AutoRollback, type RollbackCause } from './rollback/auto-rollback.js';
import { Rollbacks } from './rollback/rollback-file.js';
import type { FlagState } from './switches/live-flag.js';
import { RareWarnings } from './switches/rare-warning.js';
import { Switches, type SwitchName, switchNames } from './switches/switches.js';
import type { CompareOutcome } from './verification/compare-pair.js';
import { type FlagSavings, Savings } from './verification/savings.js';
import { Verification } from './verification/verification.js';

/**
 * The optimisation flags of the running service.
 * @source product contract, Optimisations; story-17.4 AC7
 */
export interface Flags {
  /** The live object of one flag: always the same one, so that it can be kept. */
  optimization<Name extends FlagName>(name: Name): Optimization<FlagSettings<Name>>;
  list(): Record<SwitchName, FlagState>;
  /** The sections of the file that rule over the flags, as they are set now. */
  policies(): Policies;
  /**
   * Reads the file now and answers the names of the switches that changed.
   * @throws Problem `OPTIMIZATION_CONFIG_INVALID`; the last good configuration stays
   */
  reload(): SwitchName[];
  /**
   * Sets one switch, in the file and at once; answers the switches that changed.
   * @param by who asked, for the audit line
   * @throws Problem `OPTIMIZATION_UNKNOWN`, `OPTIMIZATION_CONFIG_CONFLICT`, `OPTIMIZATION_CONFIG_READ_ONLY`; nothing has changed then
   */
  set(name: string, enabled: boolean, by?: Record<string, unknown>): SwitchName[];
  /** What each flag saves, as far as it was measured since the start. */
  savings(): FlagSavings;
  /** Resolves when no comparison waits or runs. */
  comparisonsDone(): Promise<void>;
  /** Ends the comparisons; call it before the parts are closed whose answers are compared. */
  stopComparing(): Promise<void>;
  close(): void;
}

/**
 * `path`: the YAML file, which need not exist. `rollbackFile`: where it is kept which flags the service has turned off;
 * in memory only when left out. `random` gives numbers from 0 to below 1, `load` the share of the time that the process was
 * busy since it was last asked.
 * @source product contract, Optimisations
 */
export interface FlagsOptions {
  path: string;
  rollbackFile?: string;
  logger: Logger;
  onEvent: (event: FlagEvent) => void;
  clock?: Clock;
  random?(): number;
  load?(): number;
}

const unwritten =
  'auto_rollback could not write the configuration file, which still says on; the flag stays off, also after a restart, ' +
  'until it is turned on through the API, or set to false and to true again in the file';

/** @throws Problem for whatever is no good configuration */
function configOf(content: Exclude<FileContent, { state: 'changing' }>): FlagConfig {
  if (content.state === 'missing') throw configInvalid([{ message: 'expected a file, got none' }]);
  if (content.state === 'refused') throw configInvalid([{ message: content.message }]);
  return checkFlagConfig(readYaml(content.text));
}

/** @returns undefined when there is no file */
function firstConfig(path: string): FlagConfig | undefined {
  const content = readConfigFile(path);
  if (content.state === 'missing') return undefined;
  try {
    if (content.state === 'changing') throw new Error('expected a file at rest, got one being written');
    return configOf(content);
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

function eventLoopLoad(): () => number {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  };
}

/**
 * Opens the flags: reads the file (defaults where there is none) and follows it from then on. A bad edit, or the loss
 * of the file, leaves everything as it was and says so once.
 * @throws Error naming the file and each faulty key, when the file is there but invalid
 * @source product contract, Optimisations; story-17.4 AC7
 */
export function openFlags(options: FlagsOptions): Flags {
  const { path, logger, onEvent, clock = systemClock, random = Math.random } = options;
  const watch = new ConfigWatch(path, clock, () => follow());
  let first: FlagConfig | undefined;
  try {
    first = firstConfig(path);
  } catch (error) {
    watch.close();
    throw error;
  }
  if (!first) logger.info({ path }, 'no optimisation configuration; every optimisation is on');
  onEvent({ type: 'config_read', result: first ? 'success' : 'defaults' });

  const savings = new Savings();
  const rollbacks = new Rollbacks(options.rollbackFile, logger);
  const mismatches = new RareWarnings<FlagName>(clock);
  const uncompared = new RareWarnings<FlagName>(clock);
  let policies = (first ?? defaultFlagConfig).policies;
  const verification = new Verification({
    settings: () => policies.verification,
    clock,
    random,
    load: options.load ?? eventLoopLoad(),
    onCompared,
  });
  const switches = new Switches(
    {
      clock,
      logger,
      rollbacks,
      reportsOf: (flag) => ({
        failed() {
          onEvent({ type: 'optimization_failed', flag });
          if (switches.live(flag).state.effective) rollback.failed(flag);
        },
        sample: verification.samplerOf(flag),
        counted: (work) => savings.counted(flag, work),
        checked: (difference) => verification.checked(flag, difference),
      }),
      onSwitch(flag, effective) {
        if (flag !== 'all') {
          rollback.forget(flag);
          verification.switched();
        }
        onEvent({ type: 'switch_set', flag, effective });
      },
    },
    first,
  );
  const rollback = new AutoRollback({
    settings: () => policies.auto_rollback,
    clock,
    asked: (flag) => switches.live(flag).asked,
    turnOff,
  });
  for (const name of switchNames) {
    onEvent({ type: 'switch_set', flag: name, effective: switches.live(name).state.effective });
  }
  for (const [flag, { cause }] of rollbacks.entries()) onEvent({ type: 'rolled_back', flag, cause, isNew: false });

  function onCompared(flag: FlagName, outcome: CompareOutcome): void {
    savings.compared(flag, outcome);
    onEvent({ type: 'compared', flag, ...outcome });
    if (outcome.result === 'failed') {
      const { error } = outcome;
      uncompared.happened(flag, (times) =>
        logger.warn(
          { flag, failures: times, err: error },
          'an answer could not be compared with that of the original way',
        ),
      );
    }
    if (outcome.result !== 'mismatch') return;
    const { difference } = outcome;
    mismatches.happened(flag, (times) =>
      logger.error({ flag, difference, mismatches: times }, 'an optimisation answered otherwise than the original way'),
    );
    if (switches.live(flag).state.effective) rollback.mismatched(flag, difference);
  }

  /** Takes effect at once; the file follows, and where it cannot be written the flag is off all the same. */
  function turnOff(flag: FlagName, { cause, reason }: RollbackCause): void {
    const held = { at: new Date(clock.now()).toISOString(), cause, reason };
    rollbacks.set(flag, { ...held, inFile: false });
    switches.refresh({ by: 'auto_rollback' });
    onEvent({ type: 'rolled_back', flag, cause, isNew: true });
    try {
      const config = writeSwitch(path, flag, false, !switches.isFromFile);
      rollbacks.set(flag, { ...held, inFile: true });
      take(config, { by: 'auto_rollback' });
    } catch (error) {
      const why = (error as Error).message;
      logger.warn({ flag, reason: why, next: `PUT /admin/flags/${flag}` }, unwritten);
    }
  }

  function take(config: FlagConfig, by?: Record<string, unknown>): SwitchName[] {
    const policiesBefore = policies;
    policies = config.policies;
    for (const section of policyNames) {
      const [from, to] = [policiesBefore[section], policies[section]];
      if (isDeepStrictEqual(from, to)) continue;
      logger.info({ audit: true, section, from, to }, 'what rules over the optimisations changed');
    }
    verification.settingsChanged();
    const held = rollbacks.entries();
    const changed = switches.take(config, by);
    for (const [flag] of held) if (!rollbacks.get(flag)) onEvent({ type: 'rollback_ended', flag });
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
    const changed = take(config);
    onEvent({ type: 'config_read', result: 'success' });
    return changed;
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
    optimization: (name) => switches.live(name) as Optimization<unknown> as Optimization<FlagSettings<typeof name>>,
    list: () => switches.list(),
    policies: () => policies,
    reload() {
      watch.markRead();
      const changed = read();
      if (changed === undefined) throw configInvalid([{ message: 'expected a file at rest, got one being written' }]);
      return changed;
    },
    set(name, enabled, by) {
      const asked = switchNames.find((known) => known === name);
      if (asked === undefined) throw flagUnknown(name, switchNames);
      const config = writeSwitch(path, asked, enabled, !switches.isFromFile);
      const wasHeld = rollbacks.get(asked) !== undefined;
      switches.setByHand(asked, enabled, `turned ${enabled ? 'on' : 'off'} through the API`);
      const changed = take(config, { by: 'api', ...by });
      if (wasHeld && !rollbacks.get(asked)) onEvent({ type: 'rollback_ended', flag: asked as FlagName });
      return changed;
    },
    savings: () => savings.figures(),
    comparisonsDone: () => verification.idle(),
    stopComparing: () => verification.stop(),
    close() {
      watch.close();
      void verification.stop();
    },
  };
}
