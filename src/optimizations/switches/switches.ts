/**
 * The present state of all switches, and the one place that decides whether a flag is on: the configuration says so, the
 * master switch does, and the service has not turned it off by itself.
 */

import type { Logger } from '../../logger.js';
import type { Clock } from '../clock.js';
import { defaultFlagConfig, type FlagConfig } from '../config/flag-config.js';
import { type FlagName, flagNames } from '../flag-settings.js';
import type { Rollbacks } from '../rollback/rollback-file.js';
import type { FlagChange, FlagReports, FlagState } from './live-flag.js';
import { LiveFlag } from './live-flag.js';

/**
 * The master switch (`all`) or one flag.
 * @source product contract, Monitoring ("name `all` is the master switch")
 */
export type SwitchName = FlagName | 'all';

/**
 * All switches, the master switch first.
 * @source product contract, Monitoring (`GET /admin/flags`)
 */
export const switchNames: readonly SwitchName[] = ['all', ...flagNames];

/**
 * What the switches are made from; `onSwitch` is told each whose effect changes, not those of which only settings do: what
 * was answered and what was counted under the old settings holds under the new ones.
 * @source product contract, Optimisations
 */
export interface SwitchesOptions {
  clock: Clock;
  logger: Logger;
  rollbacks: Rollbacks;
  reportsOf(name: FlagName): FlagReports;
  onSwitch(name: SwitchName, effective: boolean): void;
}

const noSettings = Object.freeze({});
const silent: FlagReports = { failed() {}, sample: () => undefined, counted() {}, checked() {} };

/**
 * The live flags over one configuration after another.
 * @source product contract, Optimisations; story-17.4 AC7
 */
export class Switches {
  readonly #options: SwitchesOptions;
  readonly #live: Map<SwitchName, LiveFlag>;
  /** What was set by hand through the API, as long as it holds. */
  readonly #byHand = new Map<SwitchName, { enabled: boolean; reason: string }>();
  #config: FlagConfig;
  #isFromFile: boolean;

  /** @param config undefined: there is no file, and the defaults hold */
  constructor(options: SwitchesOptions, config: FlagConfig | undefined) {
    this.#options = options;
    this.#config = config ?? defaultFlagConfig;
    this.#isFromFile = config !== undefined;
    const { clock, logger, reportsOf } = options;
    this.#endRollbacks(this.#config, this.#config);
    this.#live = new Map(
      switchNames.map((name) => {
        const reports = name === 'all' ? silent : reportsOf(name);
        return [name, new LiveFlag(name, this.#stateOf(name), clock, logger, reports)];
      }),
    );
  }

  get config(): FlagConfig {
    return this.#config;
  }

  get isFromFile(): boolean {
    return this.#isFromFile;
  }

  live(name: SwitchName): LiveFlag {
    return this.#live.get(name) as LiveFlag;
  }

  list(): Record<SwitchName, FlagState> {
    return Object.fromEntries([...this.#live].map(([name, flag]) => [name, flag.state])) as Record<
      SwitchName,
      FlagState
    >;
  }

  /** The file holds this now. @returns the switches that changed */
  take(config: FlagConfig, by?: Record<string, unknown>): SwitchName[] {
    const before = this.#config;
    this.#config = config;
    this.#isFromFile = true;
    this.#endRollbacks(before, config);
    for (const [name, { enabled }] of this.#byHand) if (enabled !== this.#ownSwitch(name)) this.#byHand.delete(name);
    return this.refresh(by);
  }

  /** Somebody set a switch through the API; `take` follows with the configuration that has it. */
  setByHand(name: SwitchName, enabled: boolean, reason: string): void {
    this.#byHand.set(name, { enabled, reason });
    if (enabled && name !== 'all') this.#options.rollbacks.delete(name);
  }

  /** Brings the live flags in line. @returns the switches that changed */
  refresh(by?: Record<string, unknown>): SwitchName[] {
    const changed: SwitchName[] = [];
    for (const [name, flag] of this.#live) {
      const wasOn = flag.isOn;
      if (!flag.change(this.#stateOf(name), by)) continue;
      changed.push(name);
      if (flag.isOn !== wasOn) this.#options.onSwitch(name, flag.isOn);
    }
    return changed;
  }

  #ownSwitch(name: SwitchName): boolean {
    return name === 'all' ? this.#config.enabled : this.#config.flags[name].enabled;
  }

  #stateOf(name: SwitchName): FlagChange {
    // Held off, it is off wherever the file cannot be written: who turns it then means on.
    const enabled = this.#ownSwitch(name) && this.#options.rollbacks.get(name) === undefined;
    const settings = name === 'all' ? noSettings : this.#config.flags[name].settings;
    return {
      enabled,
      effective: this.#config.enabled && enabled,
      reason: this.#reasonOf(name, enabled),
      settings,
    };
  }

  #reasonOf(name: SwitchName, enabled: boolean): string {
    const rollback = this.#options.rollbacks.get(name);
    if (rollback) return `turned off by auto_rollback at ${rollback.at}: ${rollback.reason}`;
    if (!this.#config.enabled && name !== 'all') return 'the master switch is off';
    const byHand = this.#byHand.get(name);
    if (byHand) return byHand.reason;
    if (!this.#config.enabled) return 'the master switch is off';
    if (!this.#isFromFile) return 'on by default; there is no configuration file';
    return enabled ? 'on in the configuration file' : 'off in the configuration file';
  }

  /**
   * A rollback ends when somebody turns the flag on in the file: it is on there although the file had been told to say off,
   * or it is on now and was off before.
   */
  #endRollbacks(before: FlagConfig, now: FlagConfig): void {
    for (const [flag, { inFile }] of this.#options.rollbacks.entries()) {
      if (now.flags[flag].enabled && (inFile || !before.flags[flag].enabled)) this.#options.rollbacks.delete(flag);
    }
  }
}
