import type { FlagName } from './flag-settings.js';
import type { SwitchName } from './switches/switches.js';
import type { CompareOutcome } from './verification/compare-pair.js';

/**
 * What the flags report.
 * - `config_read`: a reading of the file (`defaults`: there was none at start)
 * - `switch_set`: a switch takes or changes its effect
 * - `optimization_failed`: an optimised path failed, and the original one answered
 * - `compared`: what became of one comparison of both ways
 * - `rolled_back`: the service turned a flag off by itself, now or (`isNew` false) before it was started again
 * - `rollback_ended`: somebody turned such a flag on again
 * @source product contract, Settled details (`canvas_config_reloads_total{result}`), Optimisations (`auto_rollback`)
 */
export type FlagEvent =
  | { type: 'config_read'; result: 'success' | 'defaults' | 'invalid' | 'missing' }
  | { type: 'switch_set'; flag: SwitchName; effective: boolean }
  | { type: 'optimization_failed'; flag: FlagName }
  | ({ type: 'compared'; flag: FlagName } & CompareOutcome)
  | { type: 'rolled_back'; flag: FlagName; cause: 'mismatch' | 'failures'; isNew: boolean }
  | { type: 'rollback_ended'; flag: FlagName };
